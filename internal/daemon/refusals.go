package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"fonoteka/internal/audit"
)

// refusals keeps in the audit that passwords were refused: the first at once, those
// within refusalSpan after it together, so that guessing fills no disk.
type refusals struct {
	trail *audit.Trail
	log   *slog.Logger

	mu    sync.Mutex
	noted time.Time
	since int // refused after noted
}

const refusalSpan = time.Minute

// refused is told of each; what was typed is not, as it may be somebody's password.
func (r *refusals) refused(ctx context.Context, action string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since++
	if time.Since(r.noted) < refusalSpan {
		return
	}
	e := audit.Entry{Actor: "unknown", Action: action, Outcome: audit.Refused, Detail: "a wrong password"}
	if r.since > 1 {
		e.Detail = fmt.Sprintf("%d wrong passwords since the entry before", r.since)
	}
	if err := r.trail.Log(context.WithoutCancel(ctx), e); err != nil {
		r.log.WarnContext(ctx, "a refused password could not be noted in the audit", "err", err)
		return
	}
	r.noted, r.since = time.Now(), 0
}
