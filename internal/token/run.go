package token

import (
	"context"
	"time"
)

// look is how often Run looks what another process has done, at least.
const look = time.Minute

// Run refreshes the tokens ahead of their end, until ctx ends; a refresh under
// way is finished. Without credentials or tokens it waits until there are some.
func (k *Keeper) Run(ctx context.Context) error {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		t.Reset(k.renewDue(ctx))
		select {
		case <-t.C:
		case <-k.fresh:
		case <-ctx.Done():
			return nil
		}
	}
}

// renewDue does what is due and returns when to come again. Its failures are
// noted, counted and logged where they arise, but for those of reading.
func (k *Keeper) renewDue(ctx context.Context) time.Duration {
	r, err := k.load()
	if err != nil {
		k.metrics.count("unreadable")
		k.o.Log.Error("tokens cannot be read", "integration", k.o.Integration, "err", err)
		return look
	}
	if k.due(r) {
		_, _ = k.renew(ctx, func(r record) (bool, error) { return k.due(r), nil })
		return shortest
	}
	if left := r.dueAt().Sub(k.o.Now()); left > 0 {
		return min(left, look)
	}
	return look // not to be had: no tokens, or none that can be renewed
}

func (k *Keeper) due(r record) bool {
	now := k.o.Now()
	c := k.credentials(r)
	return c.Complete() && c.ClientID == r.Client && r.renewable(now) && !now.Before(r.dueAt())
}
