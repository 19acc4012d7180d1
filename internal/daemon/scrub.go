package daemon

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
	"fonoteka/internal/fixity"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse/catalogue"
)

// newFixity prepares the check of what is stored, and of all of it in the background
// where that is not turned off.
func (p *pipeline) newFixity(cfg *settings.Config, fetcher *fetch.Fetcher, reg prometheus.Registerer) (err error) {
	db := catalogue.New(p.warehouse)
	p.suspects = make(chan call.RecordingStatus, 100)
	p.checker, err = fixity.New(fixity.Options{
		Rows: db, Custody: db, Store: p.blob, Bucket: p.blob.Name(), BytesPerSecond: cfg.Scrub.Rate, Log: p.log, Registerer: reg,
	})
	if err != nil {
		return err
	}
	if p.locks, err = fixity.NewLocks(fixity.LocksOptions{Checker: p.checker, Positions: p.warehouse}); err != nil || cfg.Scrub.Every == 0 {
		return err
	}
	p.fixity, err = fixity.NewWorker(fixity.WorkerOptions{
		Checker: p.checker, Positions: p.warehouse, Uploads: p.blob, Every: cfg.Scrub.Every, Stride: min(30*time.Second, cfg.Scrub.Every/1000),
		Fetch: func(ctx context.Context, r call.Recording) (fixity.File, error) {
			body, err := fetcher.Fetch(ctx, r.Integration, r.URL)
			if err != nil {
				return fixity.File{}, err
			}
			return fixity.File{Body: body, Size: body.Size, SHA256: body.SHA256, Proxied: body.Proxied, Close: body.Close}, nil
		},
	})
	return err
}

// suspect has a recording checked soon. Where very many wait it is dropped: whoever
// listens again says so again.
func (p *pipeline) suspect(r call.RecordingStatus) {
	select {
	case p.suspects <- r:
	default:
	}
}

// checkSuspects checks what was found altered while somebody listened, so that the
// catalogue knows.
func (p *pipeline) checkSuspects(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-p.suspects:
			if _, err := p.checker.CheckAll(ctx, []call.RecordingStatus{r}); err != nil && ctx.Err() == nil {
				p.log.WarnContext(ctx, "a recording that seems altered could not be checked", "recording", r.ID, "err", err)
			}
		}
	}
}

// compareLocks compares, once after the start, what is locked with the catalogue.
func (p *pipeline) compareLocks(ctx context.Context) error {
	p.awaitStored(ctx)
	err := p.locks.Run(ctx)
	<-ctx.Done()
	return err
}

// awaitStored waits for the tables and the bucket.
func (p *pipeline) awaitStored(ctx context.Context) {
	for (!p.migrated.Load() || !p.bucket.Load()) && ctx.Err() == nil {
		pause(ctx, 100*time.Millisecond)
	}
}

// checkStored runs the background check once the tables and the bucket are there.
func (p *pipeline) checkStored(ctx context.Context) error {
	p.awaitStored(ctx)
	if p.fixity == nil {
		<-ctx.Done()
		return nil
	}
	return p.fixity.Run(ctx)
}
