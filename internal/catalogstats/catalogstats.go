// Package catalogstats exports statistics of the catalogue of recordings to Prometheus: how
// many are archived, how many are not and how many days their links have left,
// how many are lost.
//
// A scrape never queries the warehouse: it gets the last counts, however old, and
// their time as a metric of its own, so that an alert can tell "nothing is
// at risk" from "nothing was counted". A count that takes long is followed by a
// proportionally longer pause. Counting at scrape time was
// rejected: a slow warehouse would make the process look dead when its
// metrics are needed most.
package catalogstats

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
	"fonoteka/internal/run"
)

// Catalogue counts its recordings. The warehouse implements it.
type Catalogue interface {
	Standing(ctx context.Context, now time.Time) (Counts, error)
}

// Options of a Collector. Catalogue is required.
type Options struct {
	Catalogue  Catalogue
	Interval   time.Duration         // between two counts, at least; default 15 s
	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: none
}

// pauseFactor is how many times longer than a count the pause after it is: counting
// keeps the warehouse busy for at most a twentieth of the time.
const pauseFactor = 20

// Collector is a prometheus.Collector, fed by its Run.
type Collector struct {
	opts   Options
	last   atomic.Pointer[Counts] // nil before the first count
	took   atomic.Int64
	outage *run.Outage
}

// New makes a Collector and registers it.
func New(o Options) (*Collector, error) {
	if o.Catalogue == nil {
		return nil, errors.New("catalogstats: a catalogue is required")
	}
	if o.Interval <= 0 {
		o.Interval = 15 * time.Second
	}
	c := &Collector{opts: o, outage: run.NewOutage("catalogstats", o.Log, o.Registerer)}
	if o.Registerer == nil {
		return c, nil
	}
	return c, o.Registerer.Register(c)
}

// Run counts at once and then repeatedly, and returns when ctx has ended.
// No failure stops it.
func (c *Collector) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		began := time.Now()
		c.count(ctx, began)
		took := time.Since(began)
		c.took.Store(int64(took))
		run.Sleep(ctx, max(c.opts.Interval, pauseFactor*took))
	}
	return nil
}

func (c *Collector) count(ctx context.Context, now time.Time) {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s, err := c.opts.Catalogue.Standing(limited, now)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		c.last.Store(&s)
	}
	c.outage.Note(err)
}

var (
	byState = desc("fonoteka_recordings", "Recordings in the catalogue by state; their sum is all that were ever announced or imported.", "state")
	bytes   = desc("fonoteka_recordings_archived_bytes", "Size of all archived recordings.")
	atRisk  = desc("fonoteka_recordings_at_risk",
		"Recordings that are not archived, or short and to be fetched again, by the days their links have left: at most the label's and more than the step's below; overdue: none, more: over 90. Each is in one step.", "days_left")
	faulty = desc("fonoteka_fixity_faulty", "Archived recordings that the catalogue knows to be altered, absent or unreadable and that no check has found right since.", "result")
	short  = desc("fonoteka_recordings_short",
		"Archived recordings that play for less than their talk took: to_fetch: to be fetched again (they are at risk, too); at_operator: the operator's server gave the same file again; unconfirmed: it gave none while the link was valid.", "status")
	lost = desc("fonoteka_recordings_lost", "Recordings given up: the operator's server itself said that the file is gone after its time had run out.")
	due  = desc("fonoteka_recordings_due", "Recordings to be tried now.")
	lag  = desc("fonoteka_recordings_oldest_due_seconds", "How long the longest-waiting of those due has been due, 0 if none is.")
	// untried is how long a newly announced recording waits for its first try.
	untried = desc("fonoteka_recordings_oldest_untried_seconds", "Age of the oldest announcement that was never tried, 0 if there is none.")
	expiry  = desc("fonoteka_recordings_next_expiry_timestamp_seconds", "When the next link ends among those at risk, 0 if none is.")
	shared  = desc("fonoteka_recordings_shared", "Recordings that a second call has named within the last week: the operator gave two calls one link.")
	counted = desc("fonoteka_recordings_counted_timestamp_seconds", "When the catalogue was last counted, 0 before the first time.")
	seconds = desc("fonoteka_recordings_count_seconds", "How long the last count took.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// states are exported from the first count on, also those of which there are no
// recordings, so that the first one is an increase.
var states = []call.RecordingState{
	call.Announced, call.Retrying, call.Missing, call.Refused, call.Expired, call.Quarantined, call.Archived, call.Erased,
}

// Describe is part of prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{byState, bytes, atRisk, faulty, short, lost, due, lag, untried, expiry, shared, counted, seconds} {
		ch <- d
	}
}

// Collect is part of prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	s := c.last.Load()
	gauge(seconds, time.Duration(c.took.Load()).Seconds())
	if s == nil {
		gauge(counted, 0)
		return
	}
	now := time.Now()
	gauge(counted, unix(s.At))
	for _, state := range states {
		gauge(byState, float64(s.States[state]), string(state))
	}
	gauge(bytes, float64(s.ArchivedBytes))
	for i, n := range s.AtRisk {
		gauge(atRisk, float64(n), step(i))
	}
	for _, kind := range []call.FaultKind{call.Altered, call.Absent, call.Unreadable} {
		gauge(faulty, float64(s.Faulty[kind]), string(kind))
	}
	gauge(short, float64(s.Short.Again), "to_fetch")
	gauge(short, float64(s.Short.AtOperator), "at_operator")
	gauge(short, float64(s.Short.Unconfirmed), "unconfirmed")
	gauge(lost, float64(s.Lost))
	gauge(due, float64(s.Due))
	gauge(lag, since(s.OldestDue, now))
	gauge(untried, since(s.OldestUntried, now))
	gauge(expiry, unix(s.NextExpiry))
	gauge(shared, float64(s.SharedLately))
}

func step(i int) string {
	switch {
	case i == 0:
		return "overdue"
	case i == len(DaysLeft):
		return "more"
	}
	return strconv.Itoa(DaysLeft[i])
}

func since(t, now time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t).Seconds(), 0)
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
