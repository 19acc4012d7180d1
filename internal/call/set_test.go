package call_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fonoteka/internal/call"
)

// Whatever the notifications say and whenever they came, their records depend on
// the set of them, with the earliest receive time of each: not on their order, on
// how often they came again, or on how they were serialised.
func TestRecordsAreAFunctionOfTheSet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(drawEvent), 1, 9).Draw(t, "events")
		want := call.Derive(events, rules)
		var again []call.Event
		for i, e := range events {
			again = append(again, e)
			for n := range rapid.IntRange(0, 2).Draw(t, fmt.Sprint("copies", i)) {
				late := e
				late.ReceivedAt = e.ReceivedAt.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "late")) * time.Millisecond)
				if rapid.Bool().Draw(t, "anew") {
					late.ID = call.EventID(fmt.Appendf(nil, "%d %d", e.ID, n))
				}
				again = append(again, late)
			}
		}
		again = rapid.Permutation(again).Draw(t, "order")
		if diff := cmp.Diff(want, call.Derive(again, rules)); diff != "" {
			t.Fatalf("(-once +delivered):\n%s", diff)
		}
		for _, r := range want {
			if r.Talk < 0 || r.Wait < 0 || r.Ring < 0 || r.Attendant < 0 || !r.EndedAt.IsZero() && r.EndedAt.Before(r.StartedAt) {
				t.Fatalf("spans below zero: %+v", r)
			}
		}
	})
}

// drawEvent: any state at any of a few legs, with or without what it may have, at
// likely and at odd times.
func drawEvent(t *rapid.T) call.Event {
	seconds := func(label string) time.Duration {
		return time.Duration(rapid.SampledFrom([]int{0, 1, 4, 5, 6, 30, 65, 130, 3600, 18000, 90000}).Draw(t, label)) * sec
	}
	e := call.Event{
		Integration: "main", Kind: call.KindCall,
		State:      rapid.SampledFrom([]call.State{call.Trying, call.Showing, call.Connected, call.Hiding, call.Finished, call.Finished, call.Recorded}).Draw(t, "state"),
		Type:       rapid.SampledFrom([]string{"incoming", "incoming", "outgoing", ""}).Draw(t, "type"),
		PlatformID: rapid.SampledFrom([]string{"a@127.0.0.1", "a@127.0.0.1~1o"}).Draw(t, "id"),
		Caller:     call.Party{AccountID: rapid.SampledFrom([]string{client + "@pstn", "79161234567", "", "0000000"}).Draw(t, "caller")},
		Callee:     call.Party{AccountID: rapid.SampledFrom([]string{line, anna, boris, "79261112233", ""}).Draw(t, "callee"), CentrexID: "1"},
		ReceivedAt: t0.Add(seconds("came")),
	}
	if rapid.Bool().Draw(t, "timed") {
		e.StartedAt = t0.Add(seconds("at"))
	}
	if odd := rapid.IntRange(0, 20).Draw(t, "odd"); odd < 2 {
		e.ReceivedAt = []time.Time{{}, time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC)}[odd]
	}
	if e.State == call.Finished {
		e.HasDuration = rapid.Bool().Draw(t, "has duration")
		if e.HasDuration {
			e.Duration = seconds("duration")
		}
		e.Unanswered = rapid.Bool().Draw(t, "unanswered")
	}
	if e.State == call.Recorded {
		e.URL = "https://mtt.ru/1.mp3"
	}
	e.ID = call.EventID(fmt.Appendf(nil, "%+v", e))
	return e
}
