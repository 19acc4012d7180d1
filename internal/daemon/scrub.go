package daemon

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse/catalogue"
)

// scrub checks what is stored against the catalogue: all of it in the background, its
// locks after a start, and what seems altered to somebody who listens.
type scrub struct {
	ready *readiness
	log   *slog.Logger

	checker  *fixity.Checker
	suspects chan call.RecordingStatus
	worker   *fixity.Worker // nil: turned off
	locks    *fixity.Locks
}

func newScrub(cfg *settings.Config, p *pipeline, reg prometheus.Registerer) (*scrub, error) {
	s := &scrub{ready: p.ready, log: p.log, suspects: make(chan call.RecordingStatus, 100)}
	db := catalogue.New(p.warehouse)
	var err error
	s.checker, err = fixity.New(fixity.Options{
		Rows: db, Custody: db, Store: p.blob, Bucket: p.blob.Name(), BytesPerSecond: cfg.Scrub.Rate, Log: p.log, Registerer: reg,
	})
	if err != nil {
		return nil, err
	}
	if s.locks, err = fixity.NewLocks(fixity.LocksOptions{Checker: s.checker, Positions: p.warehouse}); err != nil || cfg.Scrub.Every == 0 {
		return s, err
	}
	s.worker, err = fixity.NewWorker(fixity.WorkerOptions{
		Checker: s.checker, Positions: p.warehouse, Uploads: p.blob, Every: cfg.Scrub.Every, Stride: min(30*time.Second, cfg.Scrub.Every/1000),
		Fetch: func(ctx context.Context, r call.Recording) (fixity.File, error) {
			body, err := p.fetcher.Fetch(ctx, r.Integration, r.URL)
			if err != nil {
				return fixity.File{}, err
			}
			return fixity.File{Body: body, Size: body.Size, SHA256: body.SHA256, Proxied: body.Proxied, Close: body.Close}, nil
		},
	})
	return s, err
}

// suspect has a recording checked soon. Where very many wait it is dropped: whoever
// listens again says so again.
func (s *scrub) suspect(r call.RecordingStatus) {
	select {
	case s.suspects <- r:
	default:
	}
}

// checkSuspects checks what was found altered while somebody listened, so that the
// catalogue knows.
func (s *scrub) checkSuspects(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-s.suspects:
			if _, err := s.checker.CheckAll(ctx, []call.RecordingStatus{r}); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "a recording that seems altered could not be checked", "recording", r.ID, "err", err)
			}
		}
	}
}

// compareLocks compares, once after the start, what is locked with the catalogue.
func (s *scrub) compareLocks(ctx context.Context) error {
	s.ready.awaitStored(ctx)
	err := s.locks.Run(ctx)
	<-ctx.Done()
	return err
}

// checkStored runs the background check once the tables and the bucket are there.
func (s *scrub) checkStored(ctx context.Context) error {
	s.ready.awaitStored(ctx)
	if s.worker == nil {
		<-ctx.Done()
		return nil
	}
	return s.worker.Run(ctx)
}
