package daemon

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/catalogstats"
	"fonoteka/internal/cdr"
	"fonoteka/internal/embedded"
	"fonoteka/internal/fetch"
	"fonoteka/internal/installation"
	"fonoteka/internal/queue"
	"fonoteka/internal/relay"
	"fonoteka/internal/rollup"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
	"fonoteka/internal/state"
	"fonoteka/internal/volume"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
)

// pipeline is everything behind the spool.
type pipeline struct {
	data      string // folder
	log       *slog.Logger
	access    *installation.Access
	warehouse *warehouse.DB
	blob      *blob.Bucket
	queue     *queue.Client
	ready     *readiness // of the warehouse and the bucket
	relayed   uint64     // notifications that former runs have brought to a warehouse
	oldest    time.Time  // when the oldest one in the spool came, at the latest the start of this run

	catalogue   *catalogue.Archive
	deriver     *cdr.Deriver
	roller      *rollup.Roller
	fetcher     *fetch.Fetcher
	planner     *archive.Planner
	standing    *catalogstats.Collector
	arrivals    *volume.Watch
	scrub       *scrub
	upkeep      *upkeep
	workers     *queue.Server
	rows        *relay.ToWarehouse
	toWarehouse *relay.Relay
	toQueue     *relay.Relay
	salvager    *relay.Salvager
	keeping     keeping
	refusals    *refusals
}

func newPipeline(cfg *settings.Config, v state.Values, stack *embedded.Stack, a *installation.Access, sp *spool.Spool, log *slog.Logger, reg prometheus.Registerer) (*pipeline, error) {
	p := &pipeline{log: log, data: cfg.Data, access: a, ready: &readiness{log: log}}
	o, err := installation.WarehouseOptions(cfg, v, false)
	if err != nil {
		return nil, err
	}
	o.Log, o.Registerer = log, reg
	if p.warehouse, err = warehouse.Open(o); err != nil {
		return nil, err
	}
	objects := installation.BlobOptions(cfg, v)
	objects.Log, objects.Registerer = log, reg
	if p.blob, err = blob.Open(objects); err != nil {
		return nil, err
	}
	sayRetention(cfg.Retention, log)
	for _, i := range cfg.Integrations {
		if i.Retention != nil {
			sayRetention(*i.Retention, log.With("integration", i.Name))
		}
	}
	if p.relayed, p.oldest, err = standing(sp); err != nil {
		return nil, err
	}
	redisURL, dialRedis := installation.RedisOrEmbedded(cfg, v, stack)
	if p.queue, err = queue.NewClient(queue.ClientOptions{URL: redisURL, Dial: dialRedis, Log: log, Registerer: reg}); err != nil {
		return nil, err
	}
	p.catalogue, p.upkeep = catalogue.New(p.warehouse).NewArchive(p.ready.tables), &upkeep{db: p.warehouse, ready: p.ready, log: log}
	if p.deriver, err = NewDeriver(cfg, p.warehouse, log, reg); err != nil {
		return nil, err
	}
	if p.standing, err = catalogstats.New(catalogstats.Options{Catalogue: catalogue.New(p.warehouse), Log: log, Registerer: reg}); err != nil {
		return nil, err
	}
	if p.arrivals, err = volume.New(volume.Options{Source: calls.New(p.warehouse), Decode: cfg.Decode, Integrations: cfg.Names(), Log: log, Registerer: reg}); err != nil {
		return nil, err
	}
	if err := errors.Join(p.newRollup(cfg, reg), p.newRelays(cfg, sp, reg), p.newKeeping(cfg, a, reg)); err != nil {
		return nil, err
	}
	return p, p.newArchive(cfg, redisURL, dialRedis, reg)
}

// standing is how many notifications of a spool were brought to a warehouse, and when the
// oldest that it has came; now, if it has none.
func standing(sp *spool.Spool) (relayed uint64, oldest time.Time, err error) {
	if relayed, err = sp.Cursor(relay.WarehouseCursor); err != nil {
		return 0, time.Time{}, err
	}
	s, err := sp.Stats()
	if oldest = s.Oldest; oldest.IsZero() {
		oldest = time.Now()
	}
	return relayed, oldest, err
}

func (p *pipeline) close() error {
	p.fetcher.Close()
	p.blob.Close()
	return errors.Join(p.queue.Close(), p.warehouse.Close())
}

// count feeds the metrics of the catalogue.
func (p *pipeline) count(ctx context.Context) error {
	p.ready.awaitTables(ctx)
	return p.standing.Run(ctx)
}

// compare says what should have come and did not.
func (p *pipeline) compare(ctx context.Context) error {
	p.ready.awaitTables(ctx)
	return p.arrivals.Run(ctx)
}
