package main

import (
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse/calls"
)

func TestNobodyHasHungUpACallThatGoesOn(t *testing.T) {
	t.Parallel()
	started := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for ended, want := range map[time.Time]string{{}: "-", started.Add(time.Minute): "unknown"} {
		var shown strings.Builder
		err := printCall(&shown, calls.Detail{Record: call.Record{StartedAt: started, EndedAt: ended, HungUp: call.UnknownSide}}, surroundings{})
		if err != nil {
			t.Fatal(err)
		}
		if line := "hung up           " + want + "\n"; !strings.Contains(shown.String(), line) {
			t.Errorf("ended %v:\n%s\nwant %q", ended, shown.String(), line)
		}
	}
}
