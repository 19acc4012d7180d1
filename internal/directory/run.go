package directory

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"fonoteka/internal/mtt"
	"fonoteka/internal/run"
)

// The pauses before a fetch that failed is retried: they double from first to last.
const (
	firstRetry = 10 * time.Second
	lastRetry  = time.Hour
)

// Run keeps the directory until ctx ends. It waits for the end of an outage, and for the
// first login.
func (k *Keeper) Run(ctx context.Context) error {
	r := schedule{Keeper: k}
	for ctx.Err() == nil {
		r.step(ctx, time.Now())
		run.Sleep(ctx, k.opts.Poll)
	}
	return nil
}

// schedule is the state of Run.
type schedule struct {
	*Keeper
	configured  bool
	notified    time.Time // receive time of the newest notification that was seen
	since       time.Time // valid-from of the changes that a fetch finds; zero: the time of the fetch
	due         time.Time // of the next fetch; zero: at once
	refetch     time.Time // end of the span in which another change may have come as the same event; zero: none
	retry       time.Duration
	awaitsLogin bool // that is logged
}

// step does what is due now.
func (r *schedule) step(ctx context.Context, now time.Time) {
	err := r.checkNotifications(ctx, now)
	if err == nil && !r.configured {
		err = r.Configure(ctx, now)
		r.configured = err == nil
	}
	if err == nil && !now.Before(r.due) {
		err = r.fetch(ctx, now)
	}
	if ctx.Err() == nil {
		r.report(err)
	}
}

// checkNotifications makes a fetch due where a notification of a change has arrived.
func (r *schedule) checkNotifications(ctx context.Context, now time.Time) error {
	newest, err := r.opts.Store.DirectoryChanged(ctx, r.opts.Integration)
	if err != nil {
		return fmt.Errorf("look for changes of the directory: %w", err)
	}
	if newest.After(r.notified) {
		// A notification from before this start says nothing of since when the changes
		// hold that the first fetch finds: there may have been several.
		if !r.notified.IsZero() || !r.due.IsZero() {
			r.m.notified.Inc()
			r.since, r.due, r.retry = newest, now, 0
		}
		r.notified, r.refetch = newest, newest.Truncate(mtt.Debounce).Add(mtt.Debounce+time.Second)
	}
	if !r.refetch.IsZero() && !now.Before(r.refetch) {
		r.due, r.refetch = now, time.Time{}
	}
	return nil
}

func (r *schedule) fetch(ctx context.Context, now time.Time) error {
	from := now
	if !r.since.IsZero() {
		from = r.since
	}
	changes, err := r.Fetch(ctx, from)
	if err != nil {
		if r.opts.NotYet(err) { // asking again costs nothing
			r.retry = r.opts.Poll
		} else {
			r.m.failures.Inc()
			r.retry = min(max(2*r.retry, firstRetry), lastRetry)
		}
		r.due = now.Add(r.retry)
		return err
	}
	if changes > 0 {
		r.opts.Log.Info("directory changed", "integration", r.opts.Integration, "changes", changes)
	}
	r.since, r.retry, r.due = time.Time{}, 0, now.Add(r.opts.Every)
	return nil
}

// report logs the beginning and the end of an outage, and once that a login is awaited,
// which is none.
func (r *schedule) report(err error) {
	switch {
	case err != nil && r.opts.NotYet(err):
		if !r.awaitsLogin {
			r.opts.Log.Info("the directory is fetched after the first login (fonoteka auth login)", "integration", r.opts.Integration)
		}
		r.awaitsLogin = true
	case err != nil:
		r.outage.Note(err)
	case r.retry == 0: // else the last fetch failed, and the next one is not due yet
		r.outage.Note(nil)
		r.awaitsLogin = false
	}
}

// AsFarBack is the valid-from of a first value that comes without a day: it holds for all
// calls.
var AsFarBack = time.UnixMilli(1).UTC()

// Configure stores the departments of the configuration where they differ from the
// current ones. They hold from now on, the first one of a workplace AsFarBack.
func (k *Keeper) Configure(ctx context.Context, now time.Time) error {
	if len(k.opts.Departments) == 0 {
		return nil
	}
	stored, err := k.opts.Store.Directory(ctx, k.opts.Integration, now.AddDate(100, 0, 0))
	if err != nil {
		return fmt.Errorf("read the departments: %w", err)
	}
	staff := map[string]Row{}
	for _, r := range stored {
		if r.Kind == Staff {
			staff[r.ID] = r
		}
	}
	var rows []Row
	for workplace, department := range k.opts.Departments {
		was := staff[workplace]
		if was.ID != "" && was.Department == department {
			continue
		}
		from := after(now, was)
		if was.ID == "" {
			from = AsFarBack
		}
		rows = append(rows, Row{
			Kind: Staff, Integration: k.opts.Integration, ID: workplace, ValidFrom: from,
			Word: was.Word, Department: department, Source: "config",
		})
	}
	if err := k.opts.Store.InsertDirectory(ctx, rows); err != nil {
		return fmt.Errorf("store %d departments: %w", len(rows), err)
	}
	return nil
}

type metrics struct {
	fetched            prometheus.Gauge
	failures, notified prometheus.Counter
	changes            *prometheus.CounterVec
}

func newMetrics(integration string, reg prometheus.Registerer) metrics {
	f, own := promauto.With(reg), prometheus.Labels{"integration": integration}
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: "fonoteka_directory_" + name, Help: help, ConstLabels: own}
	}
	return metrics{
		fetched: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_directory_fetched_timestamp_seconds", Help: "When this process fetched the operator's directory last; 0: not yet.", ConstLabels: own,
		}),
		failures: f.NewCounter(counter("failures_total", "Fetches of the operator's directory that failed, each try once.")),
		notified: f.NewCounter(counter("notifications_total", "Notifications of changes that led to a fetch.")),
		changes:  f.NewCounterVec(counter("changes_total", "Changes of the directory that were stored, by what changed."), []string{"kind"}),
	}
}
