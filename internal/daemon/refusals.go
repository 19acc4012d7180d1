package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"fonoteka/internal/audit"
)

// refusals keeps in the audit and in the log that passwords were refused, and slows down
// who guesses them. The first is noted at once, those within refusalSpan after it together
// when that is over, so that guessing fills no disk.
type refusals struct {
	trail   *audit.Trail
	log     *slog.Logger
	guesses guesses

	mu     sync.Mutex
	bursts map[string]*refusedBurst // by action of the audit
}

// refusedBurst is wrong passwords of one kind.
type refusedBurst struct {
	noted time.Time
	since int // refused after noted
}

const refusalSpan = time.Minute

// judge is told of each password that is given for an action. It keeps that one was wrong;
// what was typed is not kept, as it may be somebody's password. Where many wrong ones came
// before from the same address it waits, and returns an error if this one is not to be
// answered at all.
func (r *refusals) judge(action string) func(*http.Request, bool) error {
	return func(req *http.Request, right bool) error {
		if !right {
			r.refused(req.Context(), action)
		}
		return r.guesses.turn(req.Context(), req.RemoteAddr, right)
	}
}

func (r *refusals) refused(ctx context.Context, action string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.bursts[action]
	if b == nil {
		if b = new(refusedBurst); r.bursts == nil {
			r.bursts = map[string]*refusedBurst{}
		}
		r.bursts[action] = b
	}
	b.since++
	if time.Since(b.noted) >= refusalSpan {
		r.note(ctx, action, b)
	}
}

// note writes one entry for all that were refused since the last. The caller holds the
// lock.
func (r *refusals) note(ctx context.Context, action string, b *refusedBurst) {
	e := audit.Entry{Actor: "unknown", Action: action, Outcome: audit.Refused, Detail: "a wrong password"}
	if b.since > 1 {
		e.Detail = fmt.Sprintf("%d wrong passwords since the entry before", b.since)
	}
	if err := r.trail.Log(context.WithoutCancel(ctx), e); err != nil {
		r.log.WarnContext(ctx, "a refused password could not be noted in the audit", "err", err)
		return
	}
	r.log.WarnContext(ctx, "wrong passwords were refused on the private listener", "action", action, "passwords", b.since)
	b.noted, b.since = time.Now(), 0
}

// run notes what is left of a burst, a minute after its first.
func (r *refusals) run(ctx context.Context) error {
	tick := time.NewTicker(refusalSpan / 12)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			r.noteRest(ctx, 0)
			return nil
		case <-tick.C:
			r.noteRest(ctx, refusalSpan)
		}
	}
}

// noteRest notes what was refused since entries that are so old.
func (r *refusals) noteRest(ctx context.Context, age time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for action, b := range r.bursts {
		if b.since > 0 && time.Since(b.noted) >= age {
			r.note(ctx, action, b)
		}
	}
}
