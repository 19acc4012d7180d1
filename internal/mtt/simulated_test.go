package mtt_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
	"fonoteka/internal/sim"
)

// told is what the simulator's story and a record can be compared by.
type told struct {
	Direction, Outcome, Client, External string
	Start                                time.Time
	Ring, Wait, Talk                     string
	Recordings                           int
	Legs                                 map[string]string
}

func TestSimulatedCallsAreDerivedAsTheyHappened(t *testing.T) {
	t.Parallel()
	s, err := sim.New(sim.Options{Seed: 7, Calls: 3000, Start: received, Since: received.AddDate(0, 0, -20)})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	byCall := map[string][]call.Event{}
	bodies := s.Notifications()
	for _, i := range rng.Perm(len(bodies)) {
		e, err := mtt.Decode(bodies[i], mtt.Context{Integration: "main", ReceivedAt: received.Add(time.Duration(i) * time.Millisecond)})
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == call.KindCall {
			byCall[call.BaseID(e.PlatformID)] = append(byCall[call.BaseID(e.PlatformID)], e)
		}
	}
	bad := 0
	for _, c := range s.Calls() {
		want := fromCall(c)
		records := call.Derive(byCall[c.PlatformID], call.Rules{AbandonAfter: sim.AbandonAfter})
		if len(records) != 1 {
			t.Fatalf("%s call %s: %d records", c.Kind, c.PlatformID, len(records))
		}
		got := fromRecord(records[0])
		if !c.Answered { // only receive times tell how long they waited, and here they tell nothing
			got.Wait = want.Wait
			if got.Outcome == "abandoned" || got.Outcome == "missed" {
				got.Outcome = want.Outcome
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			bad++
			if bad < 6 {
				t.Errorf("%s call %s (-story +derived):\n%s", c.Kind, c.PlatformID, diff)
			}
		}
	}
	if bad > 0 {
		t.Errorf("%d of %d calls differ", bad, len(s.Calls()))
	}
}

// fromCall reads the story of a call, not its ledger, which would make up the
// sound of every recording.
func fromCall(c *sim.Call) told {
	w := told{
		Direction: c.Direction, Outcome: c.Outcome(), Client: c.Client, External: c.External, Start: c.StartedAt.UTC(),
		Ring: "-", Wait: "-", Talk: fmt.Sprint(c.Talk.Milliseconds()), Recordings: len(c.Recordings), Legs: map[string]string{},
	}
	if c.Answered {
		w.Ring, w.Wait = fmt.Sprint(c.Ring.Milliseconds()), fmt.Sprint(c.Waited.Milliseconds())
	}
	for _, leg := range c.Legs {
		w.Legs[leg.PlatformID+" "+leg.AccountID] = fmt.Sprint(leg.Kind, leg.Answered, leg.Talk.Milliseconds())
	}
	return w
}

func fromRecord(r call.Record) told {
	known := func(d time.Duration, ok bool) string {
		if !ok {
			return "-"
		}
		return fmt.Sprint(d.Milliseconds())
	}
	g := told{
		Direction: string(r.Direction), Outcome: string(r.Outcome), Client: r.ClientNumber.Digits, External: r.ExternalNumber.Digits, Start: r.StartedAt,
		Ring: known(r.Ring, r.RingKnown), Wait: known(r.Wait, r.WaitKnown), Talk: fmt.Sprint(r.Talk.Milliseconds()), Recordings: len(r.Recordings), Legs: map[string]string{},
	}
	for _, leg := range r.Legs {
		g.Legs[leg.PlatformID+" "+leg.AccountID] = fmt.Sprint(string(leg.Kind), leg.Answered, leg.Talk.Milliseconds())
	}
	return g
}
