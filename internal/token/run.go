package token

import (
	"context"
	"time"
)

// pollInterval is how often, at least, Run reads what another process may have changed.
const pollInterval = time.Minute

// Run refreshes the tokens before they expire, until ctx ends; a refresh that is under
// way is finished. Without credentials or tokens it waits until there are some.
func (k *Keeper) Run(ctx context.Context) error {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		t.Reset(k.renewDue(ctx))
		select {
		case <-t.C:
		case <-k.loggedIn:
		case <-ctx.Done():
			return nil
		}
	}
}

// renewDue refreshes the tokens if that is due, and returns how long to wait for the next
// call. Failures are saved, counted and logged where they occur.
func (k *Keeper) renewDue(ctx context.Context) time.Duration {
	r, err := k.load()
	if err != nil {
		k.metrics.count("unreadable")
		k.opts.Log.Error("tokens cannot be read", "integration", k.opts.Integration, "err", err)
		return pollInterval
	}
	if k.due(r) {
		_, _ = k.renew(ctx, func(r record) (bool, error) { return k.due(r), nil })
		return minPause
	}
	if left := r.dueAt().Sub(k.opts.Now()); left > 0 {
		return min(left, pollInterval)
	}
	return pollInterval // there are no tokens, or none that can be renewed
}

func (k *Keeper) due(r record) bool {
	now := k.opts.Now()
	c := k.credentials(r)
	return c.Complete() && c.ClientID == r.Client && r.renewable(now) && !now.Before(r.dueAt())
}
