package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/admin"
	"fonoteka/internal/archive"
	"fonoteka/internal/arrivals"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/embedded"
	"fonoteka/internal/fetch"
	"fonoteka/internal/fixity"
	"fonoteka/internal/installation"
	"fonoteka/internal/queue"
	"fonoteka/internal/relay"
	"fonoteka/internal/rollup"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
	"fonoteka/internal/standing"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/reports"
)

// pipeline is everything behind the spool.
type pipeline struct {
	data      string // folder
	log       *slog.Logger
	access    *installation.Access
	warehouse *warehouse.DB
	blob      *blob.Bucket
	queue     *queue.Client

	catalogue   *catalogue.Archive
	deriver     *cdr.Deriver
	roller      *rollup.Roller
	fetcher     *fetch.Fetcher
	planner     *archive.Planner
	standing    *standing.Collector
	arrivals    *arrivals.Watch
	checker     *fixity.Checker
	suspects    chan call.RecordingStatus
	fixity      *fixity.Worker // nil: turned off
	locks       *fixity.Locks
	workers     *queue.Server
	rows        *relay.ToWarehouse
	toWarehouse *relay.Relay
	toQueue     *relay.Relay
	salvager    *relay.Salvager
	keeping     keeping
	refusals    *refusals

	migrated atomic.Bool // only then is anything read from the warehouse, or written
	bucket   atomic.Bool // it is there

	schemaFault atomic.Pointer[error] // why it was not migrated, the last time it was tried
	bucketFault atomic.Pointer[error] // why the bucket was not there, likewise
}

func newPipeline(cfg *settings.Config, v state.Values, stack *embedded.Stack, a *installation.Access, sp *spool.Spool, log *slog.Logger, reg prometheus.Registerer) (*pipeline, error) {
	p := &pipeline{log: log, data: cfg.Data, access: a}
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
	redisURL, dialRedis := installation.RedisOrEmbedded(cfg, v, stack)
	if p.queue, err = queue.NewClient(queue.ClientOptions{URL: redisURL, Dial: dialRedis, Log: log, Registerer: reg}); err != nil {
		return nil, err
	}
	p.catalogue = catalogue.New(p.warehouse).NewArchive(p.tables)
	if p.deriver, err = NewDeriver(cfg, p.warehouse, log, reg); err != nil {
		return nil, err
	}
	if p.standing, err = standing.New(standing.Options{Catalogue: catalogue.New(p.warehouse), Log: log, Registerer: reg}); err != nil {
		return nil, err
	}
	if p.arrivals, err = arrivals.New(arrivals.Options{Source: calls.New(p.warehouse), Decode: cfg.Decode, Integrations: cfg.Names(), Log: log, Registerer: reg}); err != nil {
		return nil, err
	}
	if err := errors.Join(p.newRollup(cfg, reg), p.newRelays(cfg, sp, reg), p.newKeeping(cfg, a, reg)); err != nil {
		return nil, err
	}
	return p, p.newArchive(cfg, redisURL, dialRedis, reg)
}

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
		Targets: []relay.Target{{Relay: p.toWarehouse, Await: p.awaitTables}, {Relay: p.toQueue}}, Log: p.log,
	}
	return nil
}

// catalogueWorks is false as long as the planner has nothing to read.
func (p *pipeline) catalogueWorks() bool {
	failures, _ := p.warehouse.Health()
	return failures == 0 && p.migrated.Load()
}

// JobsPerWorker makes many more jobs than downloads: most of them wait for the
// catalogue, in groups. With fewer, places for downloads stand empty; with more, a
// job's end costs more.
const JobsPerWorker = 32

func (p *pipeline) newArchive(cfg *settings.Config, redisURL string, dialRedis queue.Dialer, reg prometheus.Registerer) error {
	tokenHosts, err := cfg.TokenHosts()
	if err != nil {
		return err
	}
	p.fetcher, err = fetch.New(fetch.Options{
		Token: p.access.Bearer, TokenHosts: tokenHosts,
		Hosts: cfg.RecordHosts, TempDir: filepath.Join(cfg.Data, "downloads"), MaxSize: cfg.Download.MaxSize,
		PerHostDownloads: cfg.Download.PerHost, PerHostRate: cfg.Download.Rate, Bandwidth: cfg.Download.Bandwidth,
	})
	if err != nil {
		return err
	}
	archiver, err := archive.New(archive.Options{
		Catalogue: p.catalogue, TalkOf: p.catalogue.Talk, Parallel: cfg.Workers, Store: p.blob, Bucket: p.blob.Name(), Queue: p.queue, Fetcher: p.fetcher, Refresh: p.access.Refused,
		Log: p.log, Registerer: reg,
	})
	if err != nil {
		return err
	}
	if err = p.newFixity(cfg, p.fetcher, reg); err != nil {
		return err
	}
	p.planner, err = archive.NewPlanner(archive.PlannerOptions{Due: catalogue.New(p.warehouse), Reconcile: catalogue.New(p.warehouse).MendOpenRecordings, Queue: p.queue, Depth: p.queue.Depth, Hosts: cfg.RecordHosts, Log: p.log, Registerer: reg})
	if err != nil {
		return err
	}
	p.workers, err = queue.NewServer(queue.ServerOptions{URL: redisURL, Dial: dialRedis, Handler: archiver.Handle, Concurrency: JobsPerWorker * cfg.Workers, Log: p.log, Registerer: reg})
	return err
}

// replayRejected puts what was rejected through the decoder again.
func (p *pipeline) replayRejected(ctx context.Context, each func(taken, still int)) error {
	if err := p.tables(); err != nil {
		return err
	}
	return p.rows.ReplayRejected(ctx, calls.New(p.warehouse), each)
}

// resend relays again what can be read in another folder with a spool.
func (p *pipeline) resend(ctx context.Context, dir string, since time.Time, each func(admin.Resent)) error {
	if err := p.tables(); err != nil {
		return err
	}
	return resend(ctx, dir, since, p.salvager.Targets, each)
}

func (p *pipeline) close() error {
	p.fetcher.Close()
	p.blob.Close()
	return errors.Join(p.queue.Close(), p.warehouse.Close())
}

// derive brings the schema up to date and then follows what is touched.
func (p *pipeline) derive(ctx context.Context) error {
	p.insist(ctx, "migrate the warehouse", time.Hour, &p.schemaFault, p.migrate)
	if ctx.Err() != nil {
		return nil
	}
	p.migrated.Store(true)
	release, err := installation.AwaitDeriver(ctx, p.data, p.log)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(p.deriver.Run(ctx), release())
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

// tables is nil once they are up to date, and else says why they are not.
func (p *pipeline) tables() error {
	if p.migrated.Load() {
		return nil
	}
	if why := p.schemaFault.Load(); why != nil {
		return *why
	}
	return errors.New("the tables are not up to date yet")
}

// relayRows fills the tables.
func (p *pipeline) relayRows(ctx context.Context) error {
	p.awaitTables(ctx)
	return p.toWarehouse.Run(ctx)
}

// archiveJobs makes sure of the bucket and then works off the queue.
func (p *pipeline) archiveJobs(ctx context.Context) error {
	p.insist(ctx, "make sure of the bucket", time.Minute, &p.bucketFault, p.ensureBucket)
	if ctx.Err() != nil {
		return nil
	}
	p.bucket.Store(true)
	return p.workers.Run(ctx)
}

func (p *pipeline) plan(ctx context.Context) error {
	p.awaitTables(ctx)
	return p.planner.Run(ctx)
}

// markCopies finds the links of one call that brought the same file, as far as they
// were archived since the last look; at the start all.
func (p *pipeline) markCopies(ctx context.Context) error {
	p.awaitTables(ctx)
	const every, overlap = 5 * time.Second, time.Minute // rows bear the time of another clock
	for since := (time.Time{}); ctx.Err() == nil; pause(ctx, every) {
		began := time.Now()
		changed, err := catalogue.New(p.warehouse).MarkCopies(ctx, since)
		switch {
		case err == nil:
			since = began.Add(-overlap)
		case ctx.Err() == nil:
			p.log.WarnContext(ctx, "copies cannot be looked for, goes on trying", "err", err)
		}
		if changed > 0 {
			p.log.InfoContext(ctx, "links of one call brought the same file", "recordings", changed)
		}
	}
	return nil
}

// shortPosition is the name under which the warehouse keeps until when rows were judged.
const shortPosition = "short recordings"

// judgeShort finds recordings that are short among those archived since the last look,
// also of another process; the deriver judges those whose CDR comes later. Where
// nothing is kept of a look, all that the operator still has are judged.
func (p *pipeline) judgeShort(ctx context.Context) error {
	p.awaitTables(ctx)
	const every, kept = 5 * time.Second, time.Minute
	var since, stored time.Time
	loaded := false
	for ; ctx.Err() == nil; pause(ctx, every) {
		err := error(nil)
		if !loaded {
			since, err = p.loadTime(ctx, shortPosition)
			loaded, stored = err == nil, since
		}
		changed := 0
		if err == nil {
			since, changed, err = catalogue.New(p.warehouse).JudgeArchived(ctx, since, time.Now())
		}
		if err == nil && since.Sub(stored) >= kept {
			if err = p.warehouse.SetProgress(ctx, shortPosition, since.Format(time.RFC3339Nano)); err == nil {
				stored = since
			}
		}
		if err != nil && ctx.Err() == nil {
			p.log.WarnContext(ctx, "short recordings cannot be looked for, goes on trying", "err", err)
		}
		if changed > 0 {
			p.log.InfoContext(ctx, "recordings were compared with their calls' talk", "changed", changed)
		}
	}
	return nil
}

// loadTime reads a position that is a time; the zero time: none is kept.
func (p *pipeline) loadTime(ctx context.Context, name string) (t time.Time, err error) {
	text, err := p.warehouse.Progress(ctx, name)
	if err != nil || text == "" {
		return t, err
	}
	if t, err = time.Parse(time.RFC3339Nano, text); err != nil {
		err = fmt.Errorf("position of %s: %w", name, err)
	}
	return t, err
}

// count feeds the metrics of the catalogue.
func (p *pipeline) count(ctx context.Context) error {
	p.awaitTables(ctx)
	return p.standing.Run(ctx)
}

// compare says what should have come and did not.
func (p *pipeline) compare(ctx context.Context) error {
	p.awaitTables(ctx)
	return p.arrivals.Run(ctx)
}

// rollUp keeps what the reports read up to date.
func (p *pipeline) rollUp(ctx context.Context) error {
	p.awaitTables(ctx)
	return p.roller.Run(ctx)
}

func (p *pipeline) awaitTables(ctx context.Context) {
	for !p.migrated.Load() && ctx.Err() == nil {
		pause(ctx, 100*time.Millisecond)
	}
}

func (p *pipeline) newRollup(cfg *settings.Config, reg prometheus.Registerer) (err error) {
	var names []string
	for _, i := range cfg.Integrations {
		names = append(names, i.Name)
	}
	p.roller, err = rollup.New(rollup.Options{Store: reports.New(p.warehouse), Settings: cfg.ReportsOf, Integrations: names, Log: p.log, Registerer: reg})
	return err
}
