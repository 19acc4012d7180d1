package run

import (
	"sync"
	"time"
)

// LogLimit lets one line of the log through in each period and counts those that it holds
// back, so that nobody outside fills the log. It is safe for concurrent use.
type LogLimit struct {
	Every time.Duration // the period

	mu      sync.Mutex
	last    time.Time
	skipped int
}

// Allow reports whether a line may be logged at the time now. If so, skipped is how many
// lines were held back since the last one that was logged.
func (l *LogLimit) Allow(now time.Time) (skipped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.last.IsZero() && now.Sub(l.last) < l.Every {
		l.skipped++
		return 0, false
	}
	skipped, l.skipped, l.last = l.skipped, 0, now
	return skipped, true
}
