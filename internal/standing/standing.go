// Package standing tells Prometheus how the catalogue of recordings stands: how
// many are archived, how many wait and for how many days their links have left,
// how many are lost.
//
// A scrape never asks the warehouse: it gets the last answer, however old, and
// the time of it as a metric of its own, so that an alert can tell "nothing is
// at risk" from "nobody has looked". The looks are paced by their own cost: a
// look that takes long is followed by a longer pause. Asking at scrape time was
// rejected: a slow warehouse would make the process look dead when its own
// metrics are needed most.
package standing

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
)

// Catalogue answers how it stands. The warehouse implements it.
type Catalogue interface {
	Standing(ctx context.Context, now time.Time) (Counts, error)
}

// Options of a Collector. Catalogue and Logger are required.
type Options struct {
	Catalogue  Catalogue
	Interval   time.Duration // between two looks, at least; default 15 s
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: none
}

// share is how many times longer than a look the pause after it is: a look
// keeps the warehouse busy for at most a twentieth of the time.
const share = 20

// Collector is a prometheus.Collector, fed by its Run.
type Collector struct {
	Options
	last    atomic.Pointer[Counts] // nil before the first answer
	took    atomic.Int64
	failing atomic.Bool
}

// New makes a Collector and registers it.
func New(o Options) (*Collector, error) {
	if o.Catalogue == nil || o.Logger == nil {
		return nil, errors.New("standing: catalogue and logger are required")
	}
	if o.Interval <= 0 {
		o.Interval = 15 * time.Second
	}
	c := &Collector{Options: o}
	if o.Registerer == nil {
		return c, nil
	}
	return c, o.Registerer.Register(c)
}

// Run looks at once and then again and again, and returns when ctx has ended.
// No failure stops it.
func (c *Collector) Run(ctx context.Context) error {
	for {
		began := time.Now()
		c.look(ctx, began)
		took := time.Since(began)
		c.took.Store(int64(took))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(c.Interval, share*took)):
		}
	}
}

func (c *Collector) look(ctx context.Context, now time.Time) {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s, err := c.Catalogue.Standing(limited, now)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		if !c.failing.Swap(true) {
			c.Logger.WarnContext(ctx, "catalogue cannot be counted, goes on trying", "err", err)
		}
	default:
		c.last.Store(&s)
		if c.failing.Swap(false) {
			c.Logger.InfoContext(ctx, "catalogue is counted again")
		}
	}
}

var (
	byState = desc("fonoteka_recordings", "Recordings in the catalogue by state; their sum is all that were ever announced or imported.", "state")
	bytes   = desc("fonoteka_recordings_archived_bytes", "Size of all archived recordings.")
	atRisk  = desc("fonoteka_recordings_at_risk",
		"Recordings that are not archived, or short and to be fetched again, by the days their links have left: at most the label's and more than the step's below; overdue: none, more: over 90. Each is in one step.", "days_left")
	faulty = desc("fonoteka_fixity_faulty", "Archived recordings that the catalogue knows to be altered, absent or unreadable and that no check has found right since.", "result")
	short  = desc("fonoteka_recordings_short",
		"Archived recordings that play for less than their talk took: again: to be fetched again (they are at risk, too); at_operator: the operator's server gave the same file again; unconfirmed: it gave none while the link lived.", "standing")
	lost = desc("fonoteka_recordings_lost", "Recordings given up: the operator's server itself said that the file is gone after its time had run out.")
	due  = desc("fonoteka_recordings_due", "Recordings to be tried now.")
	lag  = desc("fonoteka_recordings_oldest_due_seconds", "How long the longest-waiting of those due has been due, 0 if none is.")
	// untried is what a newly announced recording waits for its first try.
	untried = desc("fonoteka_recordings_oldest_untried_seconds", "Age of the oldest announcement that was never tried, 0 if there is none.")
	expiry  = desc("fonoteka_recordings_next_expiry_timestamp_seconds", "When the next link ends among those at risk, 0 if none is.")
	shared  = desc("fonoteka_recordings_shared", "Recordings that a second call has named within the last week: the operator gave two calls one link.")
	counted = desc("fonoteka_recordings_counted_timestamp_seconds", "When the catalogue was last counted, 0 before the first time.")
	seconds = desc("fonoteka_recordings_count_seconds", "How long the last count took.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// states have a line each from the first answer on, so that an increase from
// nothing is an increase.
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
	gauge(short, float64(s.Short.Again), "again")
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
