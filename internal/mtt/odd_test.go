package mtt_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
	"fonoteka/internal/sim"
)

// What the operator's page does not rule out: states and fields that nobody
// knows, talks of which only the duration is told, Call-IDs used again.
func TestOddCallsAreDerivedAsTheyHappened(t *testing.T) {
	t.Parallel()
	odd, err := sim.ParseFaults("odd")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(sim.Options{Seed: 7, Calls: 1000, Start: received, Since: received.AddDate(0, 0, -20), Faults: odd})
	if err != nil {
		t.Fatal(err)
	}
	byCall, ledgers := map[string][]call.Event{}, map[string][]sim.LedgerCall{}
	for i, body := range s.Notifications() {
		e, err := mtt.Decode(body, mtt.Context{Integration: "main", ReceivedAt: received.Add(time.Duration(i) * time.Millisecond)})
		if err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		if e.Kind == call.KindCall {
			byCall[call.BaseID(e.PlatformID)] = append(byCall[call.BaseID(e.PlatformID)], e)
		}
	}
	reused, untold := 0, 0
	for _, c := range s.Calls() {
		ledgers[c.PlatformID] = append(ledgers[c.PlatformID], c.Ledger())
	}
	for id, want := range ledgers { // the earlier one first
		got := call.Derive(byCall[id], call.Rules{AbandonAfter: sim.AbandonAfter})
		if len(got) != len(want) {
			t.Errorf("call %s: %d records instead of %d", id, len(got), len(want))
			continue
		}
		if len(want) > 1 {
			reused++
		}
		for i, l := range want {
			if l.Answered && l.RingMillis == nil {
				untold++
			}
			told := fromRecord(got[i])
			if !l.Answered { // only receive times tell how long they waited, and here they tell nothing
				told.Wait, told.Outcome = "-", l.Outcome
			}
			if diff := cmp.Diff(fromLedger(l), told); diff != "" {
				t.Errorf("%s call %s (-ledger +derived):\n%s", l.Kind, id, diff)
			}
		}
	}
	if reused == 0 || untold == 0 {
		t.Errorf("%d ids used again, %d answers untold", reused, untold)
	}
}

func fromLedger(l sim.LedgerCall) told {
	millis := func(known *int64) string {
		if known == nil {
			return "-"
		}
		return fmt.Sprint(*known)
	}
	w := told{
		Direction: l.Direction, Outcome: l.Outcome, Client: l.ClientNumber, External: l.ExternalNumber, Start: l.StartedAt.UTC(),
		Ring: millis(l.RingMillis), Wait: millis(l.WaitMillis), Talk: fmt.Sprint(l.TalkMillis), Recordings: len(l.Recordings), Legs: map[string]string{},
	}
	for _, leg := range l.Legs {
		w.Legs[leg.PlatformID+" "+leg.AccountID] = fmt.Sprint(leg.Kind, leg.Answered, leg.TalkMillis)
	}
	return w
}
