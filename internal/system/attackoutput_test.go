package system

import (
	"strings"
	"testing"

	"fonoteka/internal/sim"
)

// An error may quote what came from outside, line breaks included: only its first
// line begins at the margin, where our own do.
func TestAttackNoErrorForgesALine(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	_, stderr, status := in.exits("sql", "SELECT throwIf(1, 'x\\nfonoteka: all is well')")
	if status == 0 || !strings.Contains(stderr, "\n") || !strings.Contains(stderr, "all is well") {
		t.Errorf("status %d, and the test proves nothing: %s", status, stderr)
	}
	for i, line := range strings.Split(strings.TrimSuffix(stderr, "\n"), "\n") {
		if i > 0 && !strings.HasPrefix(line, "  ") {
			t.Errorf("line %d begins at the margin: %q", i+1, line)
		}
	}
}

// Audio that is written to a terminal would act there: bytes of it are control
// characters.
func TestAttackARecordingIsNotWrittenToATerminal(t *testing.T) {
	t.Parallel()
	in, _, _ := filled(t, sim.Options{Seed: 5, Calls: 8, Connections: 4})
	id := in.sql("SELECT recording_id FROM recordings WHERE state = 'archived' ORDER BY recording_id LIMIT 1")
	if said := in.onTerminal("recordings", "get", "-o", "-", id); !strings.Contains(said, "the output is a terminal") {
		t.Errorf("%.200q", said)
	}
}
