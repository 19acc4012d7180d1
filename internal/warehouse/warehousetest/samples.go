package warehousetest

import (
	"testing"
	"time"

	"fonoteka/internal/call"
)

// Must ends the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// At is a time in UTC, given as 2026-03-02 10:00:00.
func At(s string) time.Time {
	v, err := time.Parse(time.DateTime, s)
	if err != nil {
		panic(err)
	}
	return v
}

// Event is one delivery of a notification.
func Event(id uint64, received time.Time, body string) call.Notification {
	return call.Notification{
		Integration: "main", GroupID: 7, EventID: id, ReceivedAt: received,
		Kind: call.KindCall, State: "trying", Body: []byte(body),
	}
}

// Record is an answered call of a minute with one leg.
func Record(id uint64, start string, number string) call.Record {
	r := call.Record{
		Integration: "main", CallID: id, GroupID: id, PlatformCallID: "SD1@127.0.0.1",
		Direction: call.Outgoing, Outcome: call.Answered, HungUp: call.UnknownSide,
		ClientNumber:   call.Number{Raw: "+" + number, Digits: number},
		ExternalNumber: call.Number{Raw: "78005560251", Digits: "78005560251"},
		StartedAt:      At(start), Events: 3,
	}
	r.EndedAt = r.StartedAt.Add(time.Minute)
	r.Legs = []call.Leg{{ID: id + 1, PlatformID: "SD1@127.0.0.1", Kind: call.Workplace, StartedAt: r.StartedAt, Events: 3}}
	return r
}

// Recording is one of a call of the group 7.
func Recording(name string, announced time.Time) call.Recording {
	url := "https://records.mtt.ru/" + name + ".mp3?sig=1"
	return call.Recording{
		Integration: "main", ID: call.RecordingID("main", url), URL: url, GroupID: 7, PlatformCallID: "c@127.0.0.1",
		PlatformID: "c@127.0.0.1", AccountID: "883140777446532", AnnouncedAt: announced, ExpiresAt: announced.Add(90 * 24 * time.Hour),
	}
}
