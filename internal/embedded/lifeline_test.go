package embedded_test

import (
	"testing"
	"time"
)

// What a child was given open is its own until it ends, whenever garbage is collected:
// also in the process that confines itself and begins anew.
func TestTheGarbageCollectorCutsNoLifeLine(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1") // the children's: they collect all the time
	opts := clickhouseOptions(t)
	opts.StartTimeout = 5 * time.Minute
	for range 2 {
		ch := start(t, opts)
		if got := mustAsk(t, ch, "SELECT 1"); got != "1" {
			t.Errorf("the engine answers %q", got)
		}
		if err := ch.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
