package daemon

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"fonoteka/internal/run"
)

// readiness is whether the stores behind the spool can be used yet, and why not.
type readiness struct {
	log *slog.Logger

	migrated atomic.Bool // only then is anything read from the warehouse, or written
	bucket   atomic.Bool // it is there

	schemaFault atomic.Pointer[error] // why it was not migrated, the last time it was tried
	bucketFault atomic.Pointer[error] // why the bucket was not there, likewise
}

// insist tries until it succeeds or ctx ends; a try may take as long as limit.
// fault is why it did not, the last time; the log says so after some seconds –
// the stores need them at a start – and then each minute.
func (r *readiness) insist(ctx context.Context, what string, limit time.Duration, fault *atomic.Pointer[error], f func(context.Context) error) {
	const patience = 5 * time.Second
	began := time.Now()
	said := began.Add(patience - time.Minute)
	for every := 200 * time.Millisecond; ctx.Err() == nil; run.Sleep(ctx, every) {
		limited, cancel := context.WithTimeout(ctx, limit)
		err := f(limited)
		cancel()
		if err == nil || ctx.Err() != nil {
			return
		}
		fault.Store(&err)
		if time.Since(said) >= time.Minute {
			said = time.Now()
			r.log.Warn("waiting for a store", "what", what, "err", err)
		}
		if time.Since(began) > time.Minute {
			every = 2 * time.Second
		}
	}
}

// checks are what /readyz asks, apart from the intake.
func (p *pipeline) checks() []check {
	return []check{
		{"clickhouse", func(ctx context.Context) error {
			if err := p.ready.tables(); err != nil {
				return err
			}
			return p.warehouse.Ping(ctx)
		}},
		{"s3", func(ctx context.Context) error {
			if err := p.ready.bucketReady(); err != nil {
				return err
			}
			return p.blob.Ping(ctx)
		}},
		{"redis", p.queue.Ping},
	}
}

// sayReady logs once when all of /readyz passes.
func (p *pipeline) sayReady(ctx context.Context, log *slog.Logger) error {
	for began := time.Now(); ctx.Err() == nil; run.Sleep(ctx, 200*time.Millisecond) {
		ok := true
		for _, c := range p.checks() {
			ok = ok && c.ask(ctx) == nil
		}
		if ok {
			log.Info("ready", "took", time.Since(began).Round(time.Millisecond))
			break
		}
	}
	<-ctx.Done()
	return nil
}

// tables is nil once they are up to date, and else says why they are not.
func (r *readiness) tables() error {
	if r.migrated.Load() {
		return nil
	}
	if why := r.schemaFault.Load(); why != nil {
		return *why
	}
	return errors.New("the tables are not up to date yet")
}

func (r *readiness) awaitTables(ctx context.Context) {
	for !r.migrated.Load() && ctx.Err() == nil {
		run.Sleep(ctx, 100*time.Millisecond)
	}
}

// awaitStored waits for the tables and the bucket.
func (r *readiness) awaitStored(ctx context.Context) {
	for (!r.migrated.Load() || !r.bucket.Load()) && ctx.Err() == nil {
		run.Sleep(ctx, 100*time.Millisecond)
	}
}
