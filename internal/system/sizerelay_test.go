package system

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"fonoteka/internal/sim"
)

// atFull is how much slower relaying and deriving may be on top of 15 million
// calls than into an empty warehouse.
const atFull = 1.5

// TestRelayAtSize relays and derives notifications into an empty warehouse and
// into one that holds what the installation holds, by turns and in one engine.
func TestRelayAtSize(t *testing.T) {
	const calls, rounds = 5000, 5
	s := openSize(t, *sizeLarge)
	now := time.Now()
	told, err := sim.New(sim.Options{Seed: 1, Calls: calls, Start: now, Since: now.AddDate(0, 0, -14)})
	if err != nil {
		t.Fatal(err)
	}
	bodies := told.Notifications()
	var empty, full, times []float64
	for range rounds {
		var bare, laden time.Duration
		t.Run("empty", func(t *testing.T) {
			db, name := newDatabase(t, s.options)
			bare = relayAndDerive(t, db, bodies)
			changeAt(t, s.options.HTTPAddr, s.options.User, s.options.Password, "DROP DATABASE "+name)
		})
		t.Run("full", func(t *testing.T) {
			other := s.beside(t, "touched", "progress") // it has derived nothing yet
			laden = relayAndDerive(t, other.db, bodies)
		})
		if bare == 0 || laden == 0 {
			t.FailNow()
		}
		empty, full = append(empty, float64(len(bodies))/bare.Seconds()), append(full, float64(len(bodies))/laden.Seconds())
		times = append(times, laden.Seconds()/bare.Seconds())
	}
	fmt.Printf("notifications/s from spool to calls, by turns: empty %.0f, full %.0f\n", empty, full)
	for _, all := range [][]float64{empty, full, times} {
		slices.Sort(all)
	}
	middle := rounds / 2
	verdict(t, times[middle] > atFull, "relay and deriver on top of this warehouse: times slower than on an empty one", "at most 1.5", "%.2f: %.0f against %.0f notifications/s", times[middle], full[middle], empty[middle])
}
