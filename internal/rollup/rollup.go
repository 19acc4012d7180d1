// Package rollup keeps the tables up to date that reports over long times read:
// counts by hour and day, missed calls with what was done about them, callers.
//
// Contract. A day (UTC) whose calls have changed is recomputed from calls,
// as a whole: within seconds if it is one of the last eight, within a minute or
// so if it is older. Callers and recordings, which cost more, follow within
// minutes. Days that have not changed are not written. A crash at any moment, a wrong
// row in a rollup's day or a rebuild of all calls needs nothing but another pass: a day
// counts as done only when the fingerprint that its calls had before it was computed
// is saved, and the fingerprint covers the report settings and the calendar
// too. Where the directory assigns an account to another workplace than a day was
// rolled up with, that day is rolled up again; a new phone, which has no calls,
// costs nothing. When departments change, one small table is recomputed. There must be
// one Roller at a time.
//
// Rejected: materialized views, which add up every version of a call; rows that name
// the touched days, written beside the calls, which a crash between the two would
// lose; replacing partitions by day, of which two years have too many.
package rollup

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/run"
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
	MarkRecordingsWithoutCall(ctx context.Context, since time.Time, version uint64) error
	Progress(ctx context.Context, name string) (string, error)
	SetProgress(ctx context.Context, name, position string) error
}

// Options of a Roller. Store and Settings are required.
type Options struct {
	Store        Store
	Settings     func(integration string) ReportSettings // also of one that is not configured any more
	Integrations []string                                // the configured ones

	Every     time.Duration // between looks at the last days; default 5 s
	EveryFull time.Duration // between looks at all days; default 10 s, and at least 50 times what a look takes
	EverySlow time.Duration // between passes over callers and recordings; default 15 s, and at least 20 times what a pass takes

	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: none
}

func (o *Options) validate() error {
	if o.Store == nil || o.Settings == nil {
		return errors.New("rollup: Store and Settings are required")
	}
	o.Log = run.Log(o.Log)
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

// Roller computes the rollups.
type Roller struct {
	opts    Options
	metrics metrics
	outage  *run.Outage

	rolled  map[string]map[Day]uint64 // fingerprints by rollup and day; nil: not read yet
	version uint64                    // of the last rows written
	span    Span                      // holds the settings of every span
	checked time.Time                 // when the last days were checked
	full    throttle
	slow    throttle
	since   time.Time // changes of the catalogue before this time are rolled up

	workplaces  *uint64 // the directory's fingerprint when days were last compared with it; nil: not yet
	departments string  // the fingerprint of the departments that hourly_departments was computed with

	settings  string // the position progressSettings, as it was set last; "": not yet
	settledBy string // likewise progressReports
}

// New checks the options and registers the metrics.
func New(o Options) (*Roller, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Roller{
		opts: o, metrics: newMetrics(o.Registerer), outage: run.NewOutage("rollup", o.Log, o.Registerer),
		full: throttle{interval: o.EveryFull, factor: 50}, slow: throttle{interval: o.EverySlow, factor: 20},
	}, nil
}

// Run rolls up until ctx is done. It waits for the end of an outage of the warehouse.
func (r *Roller) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := r.Pass(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			r.metrics.failures.Inc()
		}
		r.outage.Note(err)
		run.Sleep(ctx, r.opts.Every)
	}
	return nil
}

// throttle limits how often something is done: not sooner after it ended than interval,
// nor than factor times as long as it took.
type throttle struct {
	interval time.Duration
	factor   int
	next     time.Time
}

func (t *throttle) due() bool { return !time.Now().Before(t.next) }

// done is called when it ended.
func (t *throttle) done(began time.Time) {
	t.next = time.Now().Add(max(t.interval, time.Duration(t.factor)*time.Since(began)))
}
