package sim_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"fonoteka/internal/sim"
)

func newHistory(t *testing.T, calls int) *sim.History {
	t.Helper()
	to := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	h, err := sim.NewHistory(sim.HistoryOptions{Seed: 1, Calls: calls, From: to.AddDate(0, 0, -40), To: to})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// tell runs through all days.
func tell(t *testing.T, h *sim.History, each func(*sim.HistoryCall)) {
	t.Helper()
	for d := range h.Days() {
		if err := h.Day(d, func(c *sim.HistoryCall) error { each(c); return nil }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHistoryIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	digest := func() string {
		sum := sha256.New()
		tell(t, newHistory(t, 500), func(c *sim.HistoryCall) {
			for _, n := range c.Notes {
				fmt.Fprintf(sum, "%v %s\n", n.Received, n.Body)
			}
		})
		return fmt.Sprintf("%x", sum.Sum(nil))
	}
	if a, b := digest(), digest(); a != b {
		t.Error("two runs differ")
	}
}

func TestHistoryHasTheCallsItWasAskedForInOrder(t *testing.T) {
	t.Parallel()
	h := newHistory(t, 2000)
	calls, last := 0, time.Time{}
	ids := map[string]bool{}
	tell(t, h, func(c *sim.HistoryCall) {
		calls++
		if c.StartedAt.Before(last) {
			t.Fatalf("call %d begins before the one before it", calls)
		}
		last = c.StartedAt
		ids[c.PlatformID] = true
		bodies := map[string]bool{}
		for _, n := range c.Notes {
			bodies[string(n.Body)] = true
			if !json.Valid(n.Body) || n.Received.Before(c.StartedAt) {
				t.Fatalf("%s received %v: %s", n.State, n.Received, n.Body)
			}
		}
		if len(bodies) != len(c.Notes) {
			t.Errorf("%s: %d notifications have %d bodies", c.PlatformID, len(c.Notes), len(bodies))
		}
	})
	if calls != 2000 || len(ids) != 2000 {
		t.Errorf("%d calls with %d ids, want 2000", calls, len(ids))
	}
}

// What reports look for is there, in proportions as in life.
func TestHistoryIsLikeLife(t *testing.T) {
	t.Parallel()
	const calls = 5000
	clients := map[string]int{}
	n := map[string]int{}
	tell(t, newHistory(t, calls), func(c *sim.HistoryCall) {
		n[c.Direction]++
		n[c.Outcome()]++
		n["notifications"] += len(c.Notes)
		n["recordings"] += len(c.Files)
		if c.Direction == "incoming" && c.Client == "" {
			n["hidden"]++
		}
		if at := c.StartedAt.Add(3 * time.Hour); at.Hour() >= 9 && at.Hour() < 19 && at.Weekday() != time.Saturday && at.Weekday() != time.Sunday {
			n["in the office"]++
		}
		if c.Client != "" {
			clients[c.Client]++
		}
	})
	known := -len(clients)
	for _, k := range clients {
		known += k
	}
	n["of known clients"] = known
	for what, want := range map[string][2]int{ // percent of the calls
		"incoming": {60, 80}, "outgoing": {15, 35}, "internal": {1, 8}, "answered": {50, 75}, "missed": {8, 35}, "abandoned": {2, 10}, "no_answer": {3, 15},
		"notifications": {500, 700}, "recordings": {40, 80}, "hidden": {2, 8}, "in the office": {75, 95}, "of known clients": {15, 45},
	} {
		if share := n[what] * 100 / calls; share < want[0] || share > want[1] {
			t.Errorf("%s: %d %%, want %d to %d", what, share, want[0], want[1])
		}
	}
}

// A call without an end is over by inference after six hours of silence: one that
// has not been silent for so long would still go on.
func TestTheLastCallsOfAHistoryHaveAnEnd(t *testing.T) {
	t.Parallel()
	to := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	h, err := sim.NewHistory(sim.HistoryOptions{Seed: 1, Calls: 20_000, From: to.Add(-24 * time.Hour), To: to})
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	tell(t, h, func(c *sim.HistoryCall) {
		if len(c.Parts) != 1 || c.Parts[0].Connected < 0 || c.Parts[0].Finished >= 0 {
			return
		}
		lost++
		if silent := to.Sub(c.StartedAt); silent < 7*time.Hour {
			t.Errorf("a call begun %v before the end has none", silent)
		}
	})
	if lost == 0 {
		t.Error("no end was lost at all")
	}
}

// Two of three missed clients are spoken with within a day.
func TestHistoryCallsBack(t *testing.T) {
	t.Parallel()
	type missed struct {
		at     time.Time
		client string
	}
	var open []missed
	spoken := map[string][]time.Time{}
	tell(t, newHistory(t, 8000), func(c *sim.HistoryCall) {
		switch {
		case c.Client == "":
		case c.Answered:
			spoken[c.Client] = append(spoken[c.Client], c.StartedAt)
		case c.Outcome() == "missed":
			open = append(open, missed{c.StartedAt, c.Client})
		}
	})
	day, week := 0, 0
	for _, m := range open {
		for _, at := range spoken[m.client] {
			if after := at.Sub(m.at); after > 0 && after <= 7*24*time.Hour {
				week++
				if after <= 24*time.Hour {
					day++
				}
				break
			}
		}
	}
	if share := week * 100 / len(open); share < 60 || share > 80 {
		t.Errorf("%d %% of %d missed calls are closed within a week", share, len(open))
	}
	if share := day * 100 / len(open); share < 45 {
		t.Errorf("%d %% of %d missed calls are closed within a day", share, len(open))
	}
}

func TestHistoryNeedsATime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, o := range []sim.HistoryOptions{{Calls: -1, From: now.AddDate(0, 0, -1), To: now}, {Calls: 1}, {Calls: 1, From: now, To: now.AddDate(0, 0, -1)}} {
		if _, err := sim.NewHistory(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
