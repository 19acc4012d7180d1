package sim_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/sim"
)

func TestFaultsAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]sim.Faults{
		"":                      {},
		"none":                  {},
		"duplicate=0.33, cut=1": {Duplicate: 0.33, Cut: 1},
		"some,404=0,shuffle=1":  {Duplicate: 0.1, Shuffle: 1, Delay: 0.05, ServerError: 0.01, Cut: 0.01, Stall: 0.005, HTML: 0.005},
		"5xx=0.1,html=0.2,none": {},
		"delay=0.5,stall=0.125": {Delay: 0.5, Stall: 0.125},
	} {
		got, err := sim.ParseFaults(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	for _, text := range []string{"much", "cut", "cat=0.1", "cut=x", "cut=1.5", "cut=NaN", "cut=0.7,404=0.7", "shuffle=-1"} {
		if f, err := sim.ParseFaults(text); err == nil {
			t.Errorf("%q reads as %+v", text, f)
		}
	}
}
