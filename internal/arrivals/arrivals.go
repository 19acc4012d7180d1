// Package arrivals notices what a healthy-looking day may hide: that nothing
// comes any more, that much less comes than usual, and that the operator's
// clock is not in the zone that was configured.
//
// A wrong redirect URI or a dead listener makes no error anywhere; it looks like
// a quiet day. So what comes is compared with what came in the same hours of the
// same weekdays of the eight weeks before. A silence is told as a span of time,
// together with how many calls usually begin in such a span: two hours say
// nothing on a Sunday and much on a Monday morning. A fixed limit of minutes was
// rejected, since it is either blind by day or loud by night; a model with
// seasons and trends, since nobody could say why it spoke.
//
// Only whole weeks are looked back, in UTC, so that no time zone matters here,
// except that a change to summer time makes the usual level an hour late until
// eight weeks have passed.
package arrivals

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
)

// Source is what the warehouse knows of what came in.
type Source interface {
	LastArrivals(ctx context.Context, since time.Time) (map[string]time.Time, error)
	CallsByHour(ctx context.Context, from, to time.Time) ([]CallsInHour, error)
	RecentNotifications(ctx context.Context, state string, since time.Time, limit int) ([]call.Notification, error)
}

// Decode reads a notification in the zone of its integration.
type Decode func(integration string, body []byte, received time.Time) (call.Event, error)

// Options of a Watch. Source, Decode and Log are required.
type Options struct {
	Source       Source
	Decode       Decode
	Integrations []string // from which something should come
	Log          *slog.Logger
	Registerer   prometheus.Registerer // nil: none
	Interval     time.Duration         // between two looks; 0: 30 s
}

// Watch looks again and again, and keeps the metrics.
type Watch struct {
	Options
	mu       sync.Mutex
	standing []Standing
	at       time.Time
	failing  bool
}

// New makes a Watch and registers its metrics.
func New(o Options) (*Watch, error) {
	if o.Source == nil || o.Decode == nil || o.Log == nil {
		return nil, errors.New("arrivals: source, decode and log are required")
	}
	if o.Interval <= 0 {
		o.Interval = 30 * time.Second
	}
	w := &Watch{Options: o}
	if o.Registerer == nil {
		return w, nil
	}
	return w, o.Registerer.Register(w)
}

// slow is how often what changes slowly is read again: the usual level, and the
// zone.
const slow = 10 * time.Minute

// Run looks until ctx ends. No failure stops it.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(w.Interval)
	defer tick.Stop()
	var l look
	for {
		err := l.refresh(ctx, w.Source, w.Decode, time.Now())
		if ctx.Err() != nil {
			return nil
		}
		w.keep(l, err)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (w *Watch) keep(l look, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		if !w.failing {
			w.Log.Warn("arrivals cannot be compared, goes on trying", "err", err)
		}
		w.failing = true
		return
	}
	w.failing, w.at, w.standing = false, l.at, l.standing()
}

// Measure looks once.
func Measure(ctx context.Context, s Source, d Decode, now time.Time) ([]Standing, error) {
	var l look
	if err := l.refresh(ctx, s, d, now); err != nil {
		return nil, err
	}
	return l.standing(), nil
}

// look is what was read, at different times.
type look struct {
	at     time.Time
	slowly time.Time // when usual and zones were read
	last   map[string]time.Time
	usual  map[string]usual
	zones  map[string]Zone
}

func (l *look) refresh(ctx context.Context, s Source, d Decode, now time.Time) error {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	last, err := s.LastArrivals(limited, now.Add(-month))
	if err != nil {
		return err
	}
	if now.Sub(l.slowly) >= slow || now.Before(l.slowly) {
		hours, err := s.CallsByHour(limited, now.Add(-weeks*week).Truncate(time.Hour), now)
		if err != nil {
			return err
		}
		var rows []call.Notification
		for _, state := range telling {
			some, err := s.RecentNotifications(limited, string(state), now.Add(-24*time.Hour), sample)
			if err != nil {
				return err
			}
			rows = append(rows, some...)
		}
		l.usual, l.zones, l.slowly = usualOf(hours), zonesOf(rows, d), now
	}
	l.last, l.at = last, now
	return nil
}
