package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/installation"
	"fonoteka/internal/warehouse/trails"
	"fonoteka/internal/words"
)

func listAudit(c *cli.Context) error {
	f := trails.Filter{Actor: c.String("actor"), Action: c.String("action")}
	limit, err := listLimit(c)
	if err != nil {
		return err
	}
	if f.From, err = parseTime("from", c.String("from"), time.Now()); err != nil {
		return err
	}
	if f.To, err = parseTime("to", c.String("to"), time.Now()); err != nil {
		return err
	}
	return withAudit(c, func(_ *audit.Trail, st *installation.Stores, unshipped error) error {
		if unshipped != nil {
			return unshipped
		}
		return listing[audit.Row]{
			page: func(ctx context.Context, limit int, after *audit.Row) ([]audit.Row, error) {
				f := f
				f.Limit, f.After = limit, after
				return trails.New(st.Warehouse).ListAudit(ctx, f)
			},
			count:  func(ctx context.Context) (uint64, error) { return trails.New(st.Warehouse).CountAudit(ctx, f) },
			json:   func(r audit.Row) any { return r },
			none:   "no entries",
			header: []string{"TIME (UTC)", "WHO", "ACTION", "INTEGRATION", "ON", "OUTCOME", "DETAIL"},
			cells: func(r audit.Row) []string {
				return []string{words.Clock(r.At), r.Actor, r.Action, orDash(r.Integration), orDash(r.Target), string(r.Outcome), orDash(r.Detail)}
			},
		}.show(c, limit)
	})
}
