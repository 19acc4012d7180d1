package daemon

import (
	"context"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/admin"
	"fonoteka/internal/archive"
	"fonoteka/internal/call"
	"fonoteka/internal/relay"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
)

func (p *pipeline) newRelays(cfg *settings.Config, sp *spool.Spool, reg prometheus.Registerer) error {
	notifications := relay.NewNotifications(reg, cfg.Names()...)
	p.rows = &relay.ToWarehouse{Warehouse: calls.New(p.warehouse), Catalogue: catalogue.New(p.warehouse), Decode: Decoder(cfg), LinkLife: cfg.LinkLife, Log: p.log, Counter: notifications}
	submitter, err := archive.NewSubmitter(archive.SubmitterOptions{
		Queue: p.queue, Depth: p.queue.Depth, Backlog: func() bool { return p.planner.Backlog() }, CatalogueWorks: p.catalogueWorks, Registerer: reg,
	})
	if err != nil {
		return err
	}
	jobs := &relay.ToQueue{Decode: Decoder(cfg), LinkLife: cfg.LinkLife, Enqueue: func(ctx context.Context, r call.Recording) error {
		return submitter.Submit(ctx, r)
	}}
	p.toWarehouse, err = relay.New(relay.Options{
		Cursor: relay.WarehouseCursor, Source: sp, Sink: p.rows.Sink, Refused: warehouse.IsRefusal, SetAside: p.rows.SetAside,
		Log: p.log, Registerer: reg,
	})
	if err != nil {
		return err
	}
	p.toQueue, err = relay.New(relay.Options{Cursor: relay.RecordingsCursor, Source: sp, Sink: jobs.Sink, Log: p.log, Registerer: reg})
	if err != nil {
		return err
	}
	p.salvager = &relay.Salvager{
		Folders: func() ([]*spool.Damaged, error) {
			return spool.DamagedFolders(nil, filepath.Join(cfg.Data, "spool"))
		},
		Targets: []relay.Target{{Relay: p.toWarehouse, Await: p.ready.awaitTables}, {Relay: p.toQueue}}, Log: p.log,
	}
	return nil
}

// catalogueWorks is false as long as the planner has nothing to read.
func (p *pipeline) catalogueWorks() bool {
	failures, _ := p.warehouse.Health()
	return failures == 0 && p.ready.migrated.Load()
}

// relayRows fills the tables.
func (p *pipeline) relayRows(ctx context.Context) error {
	p.ready.awaitTables(ctx)
	return p.toWarehouse.Run(ctx)
}

// replayRejected puts what was rejected through the decoder again.
func (p *pipeline) replayRejected(ctx context.Context, each func(taken, still int)) error {
	if err := p.ready.tables(); err != nil {
		return err
	}
	return p.rows.ReplayRejected(ctx, calls.New(p.warehouse), each)
}

// resend relays again what can be read in another folder with a spool.
func (p *pipeline) resend(ctx context.Context, dir string, since time.Time, each func(admin.Resent)) error {
	if err := p.ready.tables(); err != nil {
		return err
	}
	return resend(ctx, dir, since, p.salvager.Targets, each)
}
