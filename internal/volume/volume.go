// Package volume detects faults that cause no error: that no notifications
// arrive any more, that far fewer arrive than usual, and that the operator's
// times are not in the time zone that was configured.
//
// A wrong redirect URI or a dead listener causes no error anywhere; it looks like
// a quiet day. So the number of calls is compared with that of the same hours of the
// same weekdays of the eight weeks before. A silence is reported as its length,
// together with how many calls usually begin in such a span: two hours mean
// nothing on a Sunday and much on a Monday morning. A fixed limit of minutes was
// rejected, since it is either blind by day or noisy by night; a model with
// seasons and trends, since nobody could explain its alarms.
//
// Only whole weeks are compared, in UTC, so that no time zone matters here,
// except that a change to summer time shifts the usual level by an hour until
// eight weeks have passed.
package volume

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
	"fonoteka/internal/run"
)

// Source is what the warehouse knows of notifications and calls.
type Source interface {
	LastArrivals(ctx context.Context, since time.Time) (map[string]time.Time, error)
	CallsByHour(ctx context.Context, from, to time.Time) ([]CallsInHour, error)
	RecentNotifications(ctx context.Context, state string, since time.Time, limit int) ([]call.Notification, error)
}

// Decode reads a notification in the zone of its integration.
type Decode func(integration string, body []byte, received time.Time) (call.Event, error)

// Options of a Watch. Source and Decode are required.
type Options struct {
	Source       Source
	Decode       Decode
	Integrations []string              // from which notifications should arrive
	Log          *slog.Logger          // nil: discarded
	Registerer   prometheus.Registerer // nil: none
	Interval     time.Duration         // between two measurements; 0: 30 s
}

// Watch measures repeatedly, and exports the metrics.
type Watch struct {
	opts   Options
	outage *run.Outage

	mu       sync.Mutex
	standing []Comparison
	at       time.Time // when that was measured
}

// New makes a Watch and registers its metrics.
func New(o Options) (*Watch, error) {
	if o.Source == nil || o.Decode == nil {
		return nil, errors.New("volume: Source and Decode are required")
	}
	if o.Interval <= 0 {
		o.Interval = 30 * time.Second
	}
	w := &Watch{opts: o, outage: run.NewOutage("volume", o.Log, o.Registerer)}
	if o.Registerer == nil {
		return w, nil
	}
	return w, o.Registerer.Register(w)
}

// slowInterval is how often the values are read again that change slowly: the usual level,
// and the zone.
const slowInterval = 10 * time.Minute

// Run measures until ctx ends. No failure stops it.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(w.opts.Interval)
	defer tick.Stop()
	var m measurement
	for {
		err := m.refresh(ctx, w.opts.Source, w.opts.Decode, time.Now())
		if ctx.Err() != nil {
			return nil
		}
		w.outage.Note(err)
		if err == nil {
			w.publish(m)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// publish makes a measurement that of the next scrapes.
func (w *Watch) publish(m measurement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at, w.standing = m.at, m.standing()
}

// Measure measures once.
func Measure(ctx context.Context, s Source, d Decode, now time.Time) ([]Comparison, error) {
	var m measurement
	if err := m.refresh(ctx, s, d, now); err != nil {
		return nil, err
	}
	return m.standing(), nil
}

// measurement is what was read. The parts that change slowly are older than the others.
type measurement struct {
	at     time.Time
	slowAt time.Time // when usual and zones were read
	last   map[string]time.Time
	usual  map[string]usual
	zones  map[string]Zone
}

func (m *measurement) refresh(ctx context.Context, s Source, d Decode, now time.Time) error {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	last, err := s.LastArrivals(limited, now.Add(-month))
	if err != nil {
		return err
	}
	if now.Sub(m.slowAt) >= slowInterval || now.Before(m.slowAt) {
		hours, err := s.CallsByHour(limited, now.Add(-weeks*week).Truncate(time.Hour), now)
		if err != nil {
			return err
		}
		var rows []call.Notification
		for _, state := range promptStates {
			some, err := s.RecentNotifications(limited, string(state), now.Add(-24*time.Hour), sample)
			if err != nil {
				return err
			}
			rows = append(rows, some...)
		}
		m.usual, m.zones, m.slowAt = usualOf(hours), zonesOf(rows, d), now
	}
	m.last, m.at = last, now
	return nil
}
