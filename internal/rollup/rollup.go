// Package rollup keeps the tables true that reports over long times read:
// counts by hour and day, missed calls with what came of them, callers.
//
// Contract. A day (UTC) whose calls have changed is worked out again from calls,
// as a whole: within seconds if it is one of the last eight, within a minute or
// so if it is older. Callers and recordings, which cost more, follow within
// minutes. What is not changed is not written. A crash at any moment, a wrong row
// in a rollup's day or a rebuild of all calls needs nothing but a pass: a day
// counts as done only when the fingerprint its calls had before it was worked
// out is noted, and the fingerprint covers the report settings and the calendar
// too. Where the directory takes an account for another workplace than a day was
// rolled up with, that day is rolled up again; a new phone, which has no calls,
// costs nothing. New departments work out one small table anew. There must be one
// Roller at a time.
//
// Rejected: materialized views, which add up every version of a call; notes of
// touched days written beside the calls, which a crash between the two would
// lose; partitions by day that are replaced, of which two years have too many.
package rollup

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Store is the warehouse as a Roller sees it.
type Store interface {
	ServerTime(ctx context.Context) (time.Time, error)
	CallDays(ctx context.Context, since Day) (map[Day]uint64, error)
	RecordingDays(ctx context.Context, since time.Time) ([]Day, error)
	RolledDays(ctx context.Context) ([]Rolled, error)
	SaveRolled(ctx context.Context, days []Rolled) error
	Integrations(ctx context.Context) ([]string, error)
	ReportBasis(ctx context.Context) (ReportBasis, error)
	MovedDays(ctx context.Context) ([]Day, error)
	SaveReportSettings(ctx context.Context, all []ReportSettings, now time.Time) error
	RollCalls(ctx context.Context, s Span) error
	RollDepartments(ctx context.Context, s Span) error
	RollCallers(ctx context.Context, s Span) error
	RollRecordings(ctx context.Context, s Span) error
	MarkOrphans(ctx context.Context, since time.Time, version uint64) error
	Progress(ctx context.Context, name string) (string, error)
	SetProgress(ctx context.Context, name, position string) error
}

// Options of a Roller. Store, Settings and Log are required.
type Options struct {
	Store        Store
	Settings     func(integration string) ReportSettings // also of one that is not configured any more
	Integrations []string                                // the configured ones

	Every     time.Duration // between looks at the last days; default 5 s
	EveryFull time.Duration // between looks at all days; default 10 s, and at least 50 times what a look takes
	EverySlow time.Duration // between passes over callers and recordings; default 15 s, and at least 20 times what a pass takes

	Log        *slog.Logger
	Registerer prometheus.Registerer // default: none
}

func (o *Options) validate() error {
	if o.Store == nil || o.Settings == nil || o.Log == nil {
		return errors.New("rollup: Store, Settings and Log are required")
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.Every, 5 * time.Second}, {&o.EveryFull, 10 * time.Second}, {&o.EverySlow, 15 * time.Second}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	return nil
}

// Roller works the rollups out.
type Roller struct {
	opts    Options
	metrics metrics

	rolled  map[string]map[Day]uint64 // fingerprints by rollup and day; nil: not read yet
	version uint64                    // of the last rows written
	span    Span                      // holds the settings of every span
	looked  time.Time                 // when the last days were looked at
	full    pace
	slow    pace
	since   time.Time // the catalogue was looked at up to here

	workplaces  *uint64 // the directory's fingerprint when days were last compared with it; nil: not yet
	departments string  // likewise, of the departments that hourly_departments has
}

// New checks the options and registers the metrics.
func New(o Options) (*Roller, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	return &Roller{opts: o, metrics: m, full: pace{least: o.EveryFull, times: 50}, slow: pace{least: o.EverySlow, times: 20}}, nil
}

// Run rolls up until ctx is done. An outage of the warehouse is waited for.
func (r *Roller) Run(ctx context.Context) error {
	quiet := true
	for ctx.Err() == nil {
		err := r.Pass(ctx)
		if ctx.Err() != nil {
			break
		}
		switch {
		case err != nil:
			r.metrics.failures.Inc()
			if quiet {
				r.opts.Log.Warn("the reports' rollups wait for the warehouse", "err", err)
			}
		case !quiet:
			r.opts.Log.Info("the reports' rollups go on")
		}
		quiet = err == nil
		sleep(ctx, r.opts.Every)
	}
	return nil
}

// pace says when something is due again: never sooner than least after it ended,
// nor than some times what it took.
type pace struct {
	least time.Duration
	times int
	next  time.Time
}

func (p *pace) due() bool { return !time.Now().Before(p.next) }

func (p *pace) took(began time.Time) {
	p.next = time.Now().Add(max(p.least, time.Duration(p.times)*time.Since(began)))
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
