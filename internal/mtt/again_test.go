package mtt

import (
	"testing"
	"time"

	"fonoteka/internal/call"
)

// In the hour that comes twice a time is read by when it came, and a time that is far
// ahead of our clock is none. A second delivery in other words comes later, and is the
// same notification all the same.
func TestASecondDeliveryIsTheSameWhateverItsTimeIsTakenFor(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const callee = `"callee":{"accountId":"883140777828301","centrexId":"1"}`
	for name, c := range map[string]struct {
		said, again string
		came, later time.Time
		zone        *time.Location
	}{
		"the hour that comes twice": {"2026-10-25 02:30:00", "2026-10-25T02:30:00", at("2026-10-25T00:30:01Z"), at("2026-10-25T01:30:01Z"), berlin},
		"our clock was days behind": {"2026-03-10 10:00:00", "2026-03-10 10:00:00", at("2026-03-02T10:00:00Z"), at("2026-03-10T10:00:01Z"), nil},
		"with a zone":               {"2026-03-02 10:00:00", "2026-03-02T13:00:00+03:00", at("2026-03-02T10:00:01Z"), at("2026-03-02T10:00:41Z"), nil},
	} {
		first, err1 := Decode([]byte(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a"},"state":"showing","type":"incoming","startTime":"`+c.said+`",`+callee+`}}}`), Context{ReceivedAt: c.came, Zone: c.zone})
		second, err2 := Decode([]byte(`{"event":"callNotifications", "result":{"callInfo":{`+callee+`,"startTime":"`+c.again+`","type":"incoming","state":"showing","call":{"id":"a"}}}}`), Context{ReceivedAt: c.later, Zone: c.zone})
		if err1 != nil || err2 != nil || first.ID == second.ID {
			t.Fatal(err1, err2)
		}
		records := call.Derive([]call.Event{second, first}, call.Rules{})
		if len(records) != 1 || records[0].Events != 1 || !first.StartedAt.IsZero() && !records[0].StartedAt.Equal(first.StartedAt) {
			t.Errorf("%s: %+v", name, records)
		}
	}
}
