package calls_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/volume"
	"fonoteka/internal/warehouse/calls"
)

func TestCallsAreCountedByHourAndIntegration(t *testing.T) {
	t.Parallel()
	db := open(t)
	other := record(4, "2026-11-20 10:59:59", "79219462761")
	other.Integration = "other"
	moved := record(3, "2026-11-20 11:00:00", "79219462761")
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{
		{Record: record(1, "2026-11-20 10:00:00", "79219462761"), Version: 1},
		{Record: record(1, "2026-11-20 10:00:00", "79219462761"), Version: 2},
		{Record: record(2, "2026-11-20 10:59:59", "79219462761"), Version: 1},
		{Record: moved, Version: 2, Deleted: true},
		{Record: other, Version: 1},
		{Record: record(5, "2026-11-20 09:59:59", "79219462761"), Version: 1},
		{Record: record(6, "2026-11-20 12:00:00", "79219462761"), Version: 1},
	}))
	got, err := db.CallsByHour(t.Context(), at("2026-11-20 10:00:00"), at("2026-11-20 12:00:00"))
	must(t, err)
	want := []volume.CallsInHour{
		{Integration: "main", Hour: at("2026-11-20 10:00:00"), Calls: 2},
		{Integration: "other", Hour: at("2026-11-20 10:00:00"), Calls: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLastArrivalsAreThoseOfCalls(t *testing.T) {
	t.Parallel()
	db := open(t)
	began := time.Now().Add(-time.Second)
	none, err := db.LastArrivals(t.Context(), began)
	if err != nil || len(none) != 0 {
		t.Fatalf("of nothing: %v, %v", none, err)
	}
	directory := event(2, at("2026-11-20 10:00:00"), "{}")
	directory.Integration, directory.Kind, directory.GroupID = "other", "directory", 0
	must(t, db.InsertEvents(t.Context(), []call.Notification{event(1, at("2020-11-20 10:00:00"), "{}"), directory}))
	got, err := db.LastArrivals(t.Context(), began)
	must(t, err)
	if last := got["main"]; len(got) != 1 || last.Before(began) || last.After(time.Now().Add(time.Second)) {
		t.Errorf("%v: want main's at about %v, whenever it was received", got, time.Now())
	}
	got, err = db.LastArrivals(t.Context(), time.Now().Add(time.Hour))
	if err != nil || len(got) != 0 {
		t.Errorf("of the future: %v, %v", got, err)
	}
}

func TestRecentNotificationsAreOfTheNewestCalls(t *testing.T) {
	t.Parallel()
	db := open(t)
	var calls []cdr.CallWrite
	var events []call.Notification
	for i := range uint64(4) {
		start := at("2026-11-20 10:00:00").Add(time.Duration(i) * time.Hour)
		calls = append(calls, cdr.CallWrite{Record: record(i+1, start.Format("2006-01-02 15:04:05"), "79219462761"), Version: 1})
		e := event(100+i, start.Add(time.Second), "trying "+start.Format("15"))
		e.GroupID = i + 1
		end := event(200+i, start.Add(time.Minute), "finished")
		end.GroupID, end.State = i+1, "finished"
		events = append(events, e, end)
	}
	must(t, db.WriteCalls(t.Context(), calls))
	must(t, db.InsertEvents(t.Context(), events))
	got, err := db.RecentNotifications(t.Context(), "trying", at("2026-11-20 11:00:00"), 2)
	must(t, err)
	seen := map[string]time.Time{}
	for _, e := range got {
		seen[string(e.Body)] = e.ReceivedAt
	}
	want := map[string]time.Time{"trying 12": at("2026-11-20 12:00:01"), "trying 13": at("2026-11-20 13:00:01")}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

func TestIntegrationsOfOneCabinetAreFound(t *testing.T) {
	t.Parallel()
	db := open(t)
	since := at("2026-11-20 00:00:00")
	write := func(integration, id string, n uint64) cdr.CallWrite {
		r := record(n, "2026-11-20 10:00:00", "79219462761")
		r.Integration, r.PlatformCallID = integration, id
		return cdr.CallWrite{Record: r, Version: 1}
	}
	alone := []cdr.CallWrite{write("a", "1", 1), write("a", "2", 2), write("a", "3", 3)}
	must(t, db.WriteCalls(t.Context(), alone))
	got, err := db.SharedCalls(t.Context(), since)
	if err != nil || len(got) != 0 {
		t.Fatalf("of one integration: %v, %v", got, err)
	}
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{
		write("b", "1", 4), write("b", "2", 5), write("b", "3", 6), write("b", "4", 7), write("c", "1", 8), write("d", "4", 9), write("d", "9", 10),
	}))
	got, err = db.SharedCalls(t.Context(), since)
	must(t, err)
	if diff := cmp.Diff([]calls.SharedCalls(nil), got); diff != "" {
		t.Errorf("two in common, besides one with a third, are not three: %s", diff)
	}
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{write("a", "4", 11), write("b", "5", 12), write("a", "5", 13)}))
	got, err = db.SharedCalls(t.Context(), since)
	must(t, err)
	if diff := cmp.Diff([]calls.SharedCalls{{Integrations: []string{"a", "b"}, Calls: 3}}, got); diff != "" {
		t.Error(diff)
	}
	got, err = db.SharedCalls(t.Context(), at("2026-11-21 00:00:00"))
	if err != nil || len(got) != 0 {
		t.Errorf("later: %v, %v", got, err)
	}
}
