package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/installation"
	"fonoteka/internal/rollup"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/reports"
)

// derive brings the schema up to date and then follows what is touched.
func (p *pipeline) derive(ctx context.Context) error {
	p.ready.insist(ctx, "migrate the warehouse", time.Hour, &p.ready.schemaFault, p.migrate)
	if ctx.Err() != nil {
		return nil
	}
	p.sayEmptied(ctx)
	p.ready.migrated.Store(true)
	release, err := installation.AwaitDeriver(ctx, p.data, p.log)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(p.deriver.Run(ctx), release())
}

// sayEmptied tells the log of a warehouse that holds nothing beside a spool or a bucket
// that do, before anything is written there.
func (p *pipeline) sayEmptied(ctx context.Context) {
	what, err := installation.Emptied(ctx, p.warehouse, p.blob, p.relayed, p.oldest)
	if err == nil && what != "" {
		p.log.Error(what, "do", installation.FillEmptied)
	}
}

// NewDeriver derives calls by the rules of the settings. log and reg may be nil.
func NewDeriver(cfg *settings.Config, db *warehouse.DB, log *slog.Logger, reg prometheus.Registerer) (*cdr.Deriver, error) {
	return cdr.New(cdr.Options{
		Store: calls.New(db), Decode: cfg.Decode, Rules: func(string) call.Rules { return cfg.Rules }, EndAfter: cfg.EndAfter, Log: log, Registerer: reg,
		Derived: func(ctx context.Context, records []call.Record) error {
			_, err := catalogue.New(db).JudgeShort(ctx, records, time.Now())
			return err
		},
	})
}

// migrate is one try. A database that is newer than the program, or of before the
// first release, is left alone, reads included; what comes in waits in the spool and
// in the bucket.
func (p *pipeline) migrate(ctx context.Context) error {
	err := p.warehouse.Migrate(ctx, func(m warehouse.Migration) { p.log.Info("migration applied", "name", m.Name) })
	const meanwhile = "notifications are kept in the spool and recordings are stored meanwhile"
	switch {
	case errors.Is(err, warehouse.ErrNewer):
		return fmt.Errorf("%w: start the newer fonoteka again; %s", err, meanwhile)
	case errors.Is(err, warehouse.ErrOlderLayout):
		return fmt.Errorf("%w: deploy/CARRY-OVER.md says how its rows come into new tables; %s", err, meanwhile)
	case err != nil:
		return err
	}
	if err := p.warehouse.Describe(ctx); err != nil {
		p.log.Warn("tables and columns go without their comments", "err", err)
	}
	return nil
}

func (p *pipeline) newRollup(cfg *settings.Config, reg prometheus.Registerer) (err error) {
	var names []string
	for _, i := range cfg.Integrations {
		names = append(names, i.Name)
	}
	p.roller, err = rollup.New(rollup.Options{Store: reports.New(p.warehouse), Settings: cfg.ReportsOf, Integrations: names, Log: p.log, Registerer: reg})
	return err
}

// rollUp keeps what the reports read up to date.
func (p *pipeline) rollUp(ctx context.Context) error {
	p.ready.awaitTables(ctx)
	return p.roller.Run(ctx)
}
