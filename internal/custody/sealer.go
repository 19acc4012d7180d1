package custody

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"fonoteka/internal/audit"
	"fonoteka/internal/run"
)

// settle is how long after its end a day is sealed: an insert with the previous day takes a
// minute at most.
const settle = time.Hour

// Options of a Sealer. Rows and Trail are required.
type Options struct {
	Rows       Rows
	Trail      *audit.Trail
	Memory     audit.Memory          // the trail's; nil: what is sealed is known from its file alone
	Ready      func() error          // why the table cannot be read yet; nil: it always can
	Every      time.Duration         // between two passes; 0: 10 min
	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: none
	Now        func() time.Time      // nil: time.Now
}

// Sealer seals the days that are over. There is one per data folder.
type Sealer struct {
	opts     Options
	newest   time.Time // the newest sealed day; zero: none is known
	loaded   bool      // newest was read
	sealed   prometheus.Gauge
	failures prometheus.Counter
	outage   *run.Outage
}

// NewSealer makes a Sealer.
func NewSealer(o Options) (*Sealer, error) {
	if o.Rows == nil || o.Trail == nil {
		return nil, errors.New("custody: rows and a trail are required")
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	if o.Every <= 0 {
		o.Every = 10 * time.Minute
	}
	o.Log = run.Log(o.Log)
	if o.Now == nil {
		o.Now = time.Now
	}
	f := promauto.With(o.Registerer)
	return &Sealer{
		opts: o, outage: run.NewOutage("custody", o.Log, o.Registerer),
		sealed: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_custody_sealed_timestamp_seconds", Help: "End of the newest day whose custody is sealed in the audit; 0: none is.",
		}),
		failures: f.NewCounter(prometheus.CounterOpts{
			Name: "fonoteka_custody_seal_failures_total", Help: "Tries to seal the custody that failed; they are made again.",
		}),
	}, nil
}

// Run seals until ctx ends. An outage is retried.
func (s *Sealer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		pause := time.Second // until the table exists
		if s.opts.Ready() == nil {
			pause = s.opts.Every
			err := s.Pass(ctx)
			if ctx.Err() != nil {
				break
			}
			if err != nil {
				s.failures.Inc()
				pause = time.Minute
			}
			s.outage.Note(err)
		}
		run.Sleep(ctx, pause)
	}
	return nil
}

// Pass seals every day that is over and is not sealed yet, in order.
func (s *Sealer) Pass(ctx context.Context) error {
	if err := s.load(); err != nil {
		return err
	}
	until := s.opts.Now().UTC().Add(-settle).Truncate(24*time.Hour).AddDate(0, 0, -1)
	days, err := s.due(ctx, until)
	if err != nil || len(days) == 0 {
		return err
	}
	sums, err := Heads(ctx, s.opts.Rows, days[0], until)
	if err != nil {
		return err
	}
	for _, day := range days {
		sum, ok := sums[Day(day)]
		if !ok {
			sum = noRows()
		}
		if err := s.seal(ctx, day, sum); err != nil {
			return err
		}
	}
	return nil
}

// firstDay is the day of steps from before the day was recorded.
var firstDay = time.Unix(0, 0).UTC()

// due are the days to seal up to until, in order: all after the
// newest sealed one; before the first seal, those with steps and all after the
// last of these.
func (s *Sealer) due(ctx context.Context, until time.Time) ([]time.Time, error) {
	var days []time.Time
	last := s.newest
	if !last.After(firstDay) {
		some, err := s.opts.Rows.CustodyDays(ctx, until.AddDate(0, 0, 1))
		if err != nil {
			return nil, err
		}
		for _, day := range some {
			if s.newest.IsZero() || day.After(s.newest) {
				days, last = append(days, day), day
			}
		}
		if !last.After(firstDay) {
			return days, nil
		}
	}
	for day := last.AddDate(0, 0, 1); !day.After(until); day = day.AddDate(0, 0, 1) {
		days = append(days, day)
	}
	return days, nil
}

// load finds the newest sealed day: in the audit's file, and in its memory, as the file may
// have been lost.
func (s *Sealer) load() error {
	if s.loaded {
		return nil
	}
	newest := ""
	if s.opts.Memory != nil {
		if m, err := s.opts.Memory.Recall(); err == nil { // else the file says it
			newest = m.Sealed
		}
	}
	err := s.opts.Trail.Each(func(r audit.Row) error {
		if seal, ok := SealOf(r); ok {
			newest = max(newest, seal.Day)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.loaded = true
	if day, err := time.Parse(time.DateOnly, newest); err == nil {
		s.note(day)
	}
	return nil
}

func (s *Sealer) seal(ctx context.Context, day time.Time, sum Sum) error {
	if err := s.opts.Trail.Log(ctx, Seal{Day: Day(day), Sum: sum, Heads: true}.entry()); err != nil {
		return err
	}
	s.note(day)
	s.opts.Log.Info("custody sealed", "day", Day(day), "rows", sum.Rows)
	if s.opts.Memory == nil {
		return nil
	}
	err := s.opts.Memory.Remember(ctx, func(m *audit.Remembered) { m.Sealed = max(m.Sealed, Day(day)) })
	if err != nil {
		s.opts.Log.Warn("newest sealed day cannot be saved", "err", err)
	}
	return nil
}

func (s *Sealer) note(day time.Time) {
	s.newest = day
	if day.After(firstDay) {
		s.sealed.Set(float64(day.AddDate(0, 0, 1).Unix()))
	}
}
