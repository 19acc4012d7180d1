package archive

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// outage reports that our own infrastructure fails, once a minute instead of
// once per job, and once that it works again. The counters count each.
type outage struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	since   time.Time // zero: it works
	told    time.Time
	skipped int
	last    time.Time // when a recording was archived last
}

func (o *outage) failed(ctx context.Context, recording string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if o.since.IsZero() {
		o.since = now
	}
	if !o.told.IsZero() && now.Sub(o.told) < time.Minute {
		o.skipped++
		o.log.DebugContext(ctx, "infrastructure failed", "recording", recording, "err", err)
		return
	}
	o.log.WarnContext(ctx, "infrastructure failed, recordings are tried again soon", "recording", recording, "err", err, "skipped", o.skipped)
	o.told, o.skipped = now, 0
}

// failing reports whether the last thing heard is a failure.
func (o *outage) failing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.since.IsZero()
}

func (o *outage) archived() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = o.now()
}

// others reports whether recordings are archived these minutes.
func (o *outage) others() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.last.IsZero() && o.now().Sub(o.last) < 2*time.Minute
}

func (o *outage) worked(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.since.IsZero() {
		o.log.InfoContext(ctx, "infrastructure works again", "took", o.now().Sub(o.since), "skipped", o.skipped)
		o.since = time.Time{}
	}
}
