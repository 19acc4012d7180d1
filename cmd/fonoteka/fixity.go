package main

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/urfave/cli/v2"

	"fonoteka/internal/archive"
	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
	"fonoteka/internal/warehouse"
)

// fixityCatalogue is fixity's view of the warehouse.
type fixityCatalogue struct{ db *warehouse.DB }

func (c fixityCatalogue) Archived(ctx context.Context, q fixity.Query, limit int) ([]call.RecordingStatus, error) {
	return c.db.ArchivedAfter(ctx, warehouse.ArchivedFilter(q), limit)
}

func (c fixityCatalogue) Count(ctx context.Context, q fixity.Query) (recordings, bytes uint64, err error) {
	return c.db.CountArchived(ctx, warehouse.ArchivedFilter(q))
}

func (c fixityCatalogue) ByID(ctx context.Context, ids []string) ([]call.RecordingStatus, error) {
	return c.db.RecordingsByID(ctx, ids)
}

// Save writes the steps first, so that a row that says something has its history.
func (c fixityCatalogue) Save(ctx context.Context, rows []call.RecordingStatus, steps []call.Custody) error {
	if err := c.db.AddCustody(ctx, steps); err != nil {
		return err
	}
	return c.db.SaveRecordings(ctx, rows)
}

func (c fixityCatalogue) LastStep(ctx context.Context, rows []call.RecordingStatus, steps ...string) ([]time.Time, error) {
	last, err := c.db.LastSteps(ctx, rows, steps...)
	if err != nil {
		return nil, err
	}
	type key struct{ integration, id string }
	at := map[key]time.Time{}
	for _, s := range last {
		at[key{s.Integration, s.RecordingID}] = s.At
	}
	out := make([]time.Time, len(rows))
	for i, r := range rows {
		out[i] = at[key{r.Integration, r.ID}]
	}
	return out, nil
}

// fixitySettings are those of the background check.
type fixitySettings struct {
	every time.Duration // 0: it does not run
	rate  int64         // bytes per second, 0: no limit
}

// fixityFlags belong to serve.
func fixityFlags() []cli.Flag {
	return []cli.Flag{
		text("scrub-days", "30", "every stored recording is read again and compared within `DAYS`; 0: never"),
		text("scrub-rate", "20MB/s", "the background check reads at most so many bytes a second, `RATE`; 0: no limit"),
	}
}

func parseFixity(days, rate string, p *problems) (s fixitySettings) {
	n, err := strconv.ParseFloat(days, 64)
	if err != nil || n < 0 || n > 3650 {
		p.add("--scrub-days (%s): %q is not a number of days from 0 to 3650", envName("scrub-days"), days)
	}
	s.every = time.Duration(n * float64(24*time.Hour))
	if s.rate, err = parseByteRate(rate); err != nil {
		p.add("--scrub-rate (%s): %w", envName("scrub-rate"), err)
	}
	return s
}

// parseByteRate reads bytes per second; 0 is no limit.
func parseByteRate(s string) (int64, error) {
	if s == "0" {
		return 0, nil
	}
	return archive.ParseRate(s)
}

// newFixity prepares the check of what is stored, and of all of it in the background
// where that is not turned off.
func (p *pipeline) newFixity(cfg *config, fetcher *archive.Fetcher, reg prometheus.Registerer) (err error) {
	db := fixityCatalogue{p.warehouse}
	p.suspects = make(chan call.RecordingStatus, 100)
	p.checker, err = fixity.New(fixity.Options{
		Rows: db, Custody: db, Store: p.blob, Bucket: p.blob.Name(), BytesPerSecond: cfg.fixity.rate, Logger: p.log, Registerer: reg,
	})
	if err != nil {
		return err
	}
	if p.locks, err = fixity.NewLocks(fixity.LocksOptions{Checker: p.checker, Positions: p.warehouse}); err != nil || cfg.fixity.every == 0 {
		return err
	}
	p.fixity, err = fixity.NewWorker(fixity.WorkerOptions{
		Checker: p.checker, Positions: p.warehouse, Uploads: p.blob, Every: cfg.fixity.every, Stride: min(30*time.Second, cfg.fixity.every/1000),
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
