package main

import (
	"testing"
	"time"

	"fonoteka/internal/call"
)

func TestWhenARecordingIsTriedAgain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		state      call.RecordingState
		next       time.Duration // 0: none
		tries, has string
	}{
		{call.Announced, 0, "now", "10 days"},
		{call.Missing, 3 * time.Hour, "in 3 h", "10 days"},
		{call.Quarantined, 3 * time.Hour, "in 3 h", "10 days"},
		{call.Quarantined, 0, "-", "-"}, // given up
		{call.Expired, 0, "-", "-"},
		{call.Expired, 3 * time.Hour, "in 3 h", "-"}, // somebody's wish
		{call.Archived, 0, "-", "-"},
		{call.Erased, 0, "-", "-"},
	} {
		s := call.RecordingStatus{Recording: call.Recording{ExpiresAt: now.Add(240 * time.Hour)}, State: c.state}
		if c.next > 0 {
			s.NextAttemptAt = now.Add(c.next)
		}
		if got := next(s, now); got != c.tries {
			t.Errorf("%s, %v: next try %q, want %q", c.state, c.next, got, c.tries)
		}
		if got := left(s, now); got != c.has {
			t.Errorf("%s, %v: left %q, want %q", c.state, c.next, got, c.has)
		}
	}
}
