package token

import (
	"context"
	"time"
)

// look is how often Run looks whether a refresh is due. It may have become so by
// what another process did.
const look = 10 * time.Second

// Run refreshes the tokens ahead of their end, until ctx ends; a refresh under
// way is finished. Without credentials or tokens it waits until there are some.
func (k *Keeper) Run(ctx context.Context) error {
	t := time.NewTicker(look)
	defer t.Stop()
	for {
		k.renewDue(ctx)
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// renewDue does what is due. Its failures are noted, counted and logged where
// they arise, but for those of reading.
func (k *Keeper) renewDue(ctx context.Context) {
	r, err := k.load()
	if err != nil {
		k.metrics.count("unreadable")
		k.o.Log.Error("tokens cannot be read", "integration", k.o.Integration, "err", err)
		return
	}
	if k.due(r) {
		_, _ = k.renew(ctx, k.due)
	}
}

func (k *Keeper) due(r record) bool {
	now := k.o.Now()
	c := k.credentials(r)
	return c.Complete() && c.ClientID == r.Client && r.renewable(now) && !now.Before(r.dueAt())
}
