package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// How a fetch is tried again that failed: soon at first.
const (
	firstRetry = 10 * time.Second
	lastRetry  = time.Hour
)

// sameMinute is the span in which equal notifications are one event.
const sameMinute = time.Minute

// Run keeps the directory until ctx ends. An outage, and a login that is yet to
// come, are waited for.
func (k *Keeper) Run(ctx context.Context) error {
	r := run{Keeper: k}
	for ctx.Err() == nil {
		r.step(ctx, time.Now())
		wait(ctx, k.o.Poll)
	}
	return nil
}

// run is what Run remembers.
type run struct {
	*Keeper
	configured bool
	heard      time.Time // arrival of the newest notification that was seen
	since      time.Time // from when on what a fetch finds holds; zero: from the fetch on
	due        time.Time // of the next fetch; zero: at once
	again      time.Time // the end of the minute of heard, when there may be more; zero: no
	retry      time.Duration
	quiet      error // the failure that was logged
}

// step does what is due now.
func (r *run) step(ctx context.Context, now time.Time) {
	err := r.listen(ctx, now)
	if err == nil && !r.configured {
		err = r.Configure(ctx, now)
		r.configured = err == nil
	}
	if err == nil && !now.Before(r.due) {
		err = r.fetch(ctx, now)
	}
	if ctx.Err() == nil {
		r.say(err)
	}
}

// listen looks for notifications.
func (r *run) listen(ctx context.Context, now time.Time) error {
	newest, err := r.o.Store.DirectoryChanged(ctx, r.o.Integration)
	if err != nil {
		return fmt.Errorf("look for changes of the directory: %w", err)
	}
	if newest.After(r.heard) {
		// Of what came before this start, the first fetch finds the changes too,
		// but not since when they hold.
		if !r.heard.IsZero() || !r.due.IsZero() {
			r.m.heard.WithLabelValues(r.o.Integration).Inc()
			r.since, r.due, r.retry = newest, now, 0
		}
		r.heard, r.again = newest, newest.Truncate(sameMinute).Add(sameMinute+time.Second)
	}
	if !r.again.IsZero() && !now.Before(r.again) {
		r.due, r.again = now, time.Time{}
	}
	return nil
}

func (r *run) fetch(ctx context.Context, now time.Time) error {
	from := now
	if !r.since.IsZero() {
		from = r.since
	}
	changes, err := r.Fetch(ctx, from)
	if err != nil {
		if r.o.NotYet(err) { // which costs nothing to find out
			r.retry = r.o.Poll
		} else {
			r.m.failures.WithLabelValues(r.o.Integration).Inc()
			r.retry = min(max(2*r.retry, firstRetry), lastRetry)
		}
		r.due = now.Add(r.retry)
		return err
	}
	if changes > 0 {
		r.o.Log.Info("the directory has changed", "integration", r.o.Integration, "changes", changes)
	}
	r.since, r.retry, r.due = time.Time{}, 0, now.Add(r.o.Every)
	return nil
}

// say logs each kind of trouble when it begins, and its end.
func (r *run) say(err error) {
	switch {
	case err != nil && r.o.NotYet(err):
		if r.quiet == nil || !r.o.NotYet(r.quiet) {
			r.o.Log.Info("the directory is fetched after the first login (fonoteka auth login)", "integration", r.o.Integration)
		}
		r.quiet = err
	case err != nil && (r.quiet == nil || r.o.NotYet(r.quiet)):
		r.o.Log.Warn("the directory could not be fetched, it is tried again", "integration", r.o.Integration, "err", err)
		r.quiet = err
	case err == nil && r.quiet != nil && r.retry == 0:
		r.o.Log.Info("the directory is fetched", "integration", r.o.Integration)
		r.quiet = nil
	}
}

// AsFarBack is from when on a first word holds that names no day: for all calls.
var AsFarBack = time.UnixMilli(1).UTC()

// Configure stores the departments of the configuration where they differ from
// what holds; from now on, the first ones AsFarBack.
func (k *Keeper) Configure(ctx context.Context, now time.Time) error {
	if len(k.o.Departments) == 0 {
		return nil
	}
	stored, err := k.o.Store.Directory(ctx, k.o.Integration, now.AddDate(100, 0, 0))
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
	for workplace, department := range k.o.Departments {
		was := staff[workplace]
		if was.ID != "" && was.Department == department {
			continue
		}
		from := after(now, was)
		if was.ID == "" {
			from = AsFarBack
		}
		rows = append(rows, Row{
			Kind: Staff, Integration: k.o.Integration, ID: workplace, ValidFrom: from,
			Word: was.Word, Department: department, Source: "config",
		})
	}
	if err := k.o.Store.InsertDirectory(ctx, rows); err != nil {
		return fmt.Errorf("store %d departments: %w", len(rows), err)
	}
	return nil
}

type metrics struct {
	fetched                  *prometheus.GaugeVec
	failures, changes, heard *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (m metrics, err error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return shared(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels), &err)
	}
	m.fetched = shared(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "fonoteka_directory_fetched_timestamp_seconds", Help: "When this process fetched the operator's directory last; 0: not yet.",
	}, []string{"integration"}), &err)
	m.failures = counter("fonoteka_directory_failures_total", "Fetches of the operator's directory that failed, each try once.", "integration")
	m.changes = counter("fonoteka_directory_changes_total", "Changes of the directory that were stored, by what changed.", "integration", "kind")
	m.heard = counter("fonoteka_directory_notifications_total", "Notifications of changes that led to a fetch.", "integration")
	return m, err
}

// shared registers a collector, or takes the one that another Keeper registered.
func shared[C prometheus.Collector](reg prometheus.Registerer, c C, failed *error) C {
	if reg == nil {
		return c
	}
	err := reg.Register(c)
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if existing, ok := already.ExistingCollector.(C); ok {
			return existing
		}
	}
	*failed = errors.Join(*failed, err)
	return c
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
