package run_test

import (
	"testing"
	"time"

	"fonoteka/internal/run"
)

func TestALogLimitCountsWhatItHoldsBack(t *testing.T) {
	t.Parallel()
	l := run.LogLimit{Every: time.Minute}
	began := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		after   time.Duration
		skipped int
		ok      bool
	}{{0, 0, true}, {time.Second, 0, false}, {59 * time.Second, 0, false}, {time.Minute, 2, true}, {90 * time.Second, 0, false}, {time.Hour, 1, true}, {2 * time.Hour, 0, true}} {
		if skipped, ok := l.Allow(began.Add(c.after)); skipped != c.skipped || ok != c.ok {
			t.Errorf("after %v: %d, %v", c.after, skipped, ok)
		}
	}
}
