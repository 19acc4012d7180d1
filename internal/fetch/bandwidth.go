package fetch

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"fonoteka/internal/hours"
)

// Bandwidth bounds what all downloads take together.
type Bandwidth struct {
	Limit   int64 // bytes a second; 0: no limit
	Working int64 // the same within Hours; 0: Limit holds then, too
	Hours   hours.Hours
}

// At returns the limit at a moment, bytes a second; 0: none.
func (b Bandwidth) At(t time.Time) int64 {
	if b.Working > 0 && b.Hours.Contain(t) {
		return b.Working
	}
	return b.Limit
}

// throttle makes all downloads together keep to a Bandwidth. It is fair: who
// comes first goes on first.
type throttle struct {
	b   Bandwidth
	now func() time.Time

	mu  sync.Mutex
	set int64 // the limit that lim has
	lim *rate.Limiter
}

func newThrottle(b Bandwidth, now func() time.Time) *throttle {
	if b.Limit <= 0 && b.Working <= 0 {
		return nil
	}
	return &throttle{b: b, now: now, set: -1, lim: rate.NewLimiter(rate.Inf, 0)}
}

// wait returns when n bytes, which have just come, are paid for; at most
// readSize of them. ctx's end is the only error.
func (t *throttle) wait(ctx context.Context, n int) error {
	return waitFor(ctx, t.limiter(), n)
}

func (t *throttle) limiter() *rate.Limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if limit := t.b.At(t.now()); limit != t.set {
		t.set = limit
		if limit == 0 {
			t.lim.SetLimit(rate.Inf)
		} else {
			t.lim.SetBurst(max(int(limit/20), readSize)) // a twentieth of a second, for the coarseness of timers
			t.lim.SetLimit(rate.Limit(limit))
		}
	}
	return t.lim
}
