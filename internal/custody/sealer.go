package custody

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/audit"
)

// settle is how long after its end a day is sealed: an insert that bears the day
// before takes a minute at most.
const settle = time.Hour

// Options of a Sealer. Rows and Trail are required.
type Options struct {
	Rows       Rows
	Trail      *audit.Trail
	Memory     audit.Memory  // the trail's; nil: what is sealed is known from its file alone
	Ready      func() error  // nil: always; why the table cannot be read yet
	Every      time.Duration // how often it looks; 0: 10 min
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time // nil: time.Now
}

// Sealer seals the days that are over. There is one per data folder.
type Sealer struct {
	o        Options
	newest   time.Time // sealed; zero: none that is known
	looked   bool      // for it
	sealed   prometheus.Gauge
	failures prometheus.Counter
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
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Sealer{
		o: o,
		sealed: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_custody_sealed_timestamp_seconds", Help: "End of the newest day whose custody is sealed in the audit; 0: none is.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fonoteka_custody_seal_failures_total", Help: "Tries to seal the custody that failed; they are made again.",
		}),
	}
	if o.Registerer == nil {
		return s, nil
	}
	if err := errors.Join(o.Registerer.Register(s.sealed), o.Registerer.Register(s.failures)); err != nil {
		return nil, fmt.Errorf("custody: register metrics: %w", err)
	}
	return s, nil
}

// Run seals until ctx ends. An outage is waited for.
func (s *Sealer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait := time.Second // until the table is there
		if s.o.Ready() == nil {
			wait = s.o.Every
			if err := s.Pass(ctx); err != nil && ctx.Err() == nil {
				s.failures.Inc()
				s.o.Log.Warn("the custody is not sealed, and is tried again", "err", err)
				wait = time.Minute
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return nil
}

// Pass seals every day that is over and is not sealed yet, in order.
func (s *Sealer) Pass(ctx context.Context) error {
	if err := s.look(); err != nil {
		return err
	}
	until := s.o.Now().UTC().Add(-settle).Truncate(24*time.Hour).AddDate(0, 0, -1)
	days, err := s.due(ctx, until)
	if err != nil || len(days) == 0 {
		return err
	}
	sums, err := Sums(ctx, s.o.Rows, days[0], until)
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

// firstDay is that of the steps from before days were noted.
var firstDay = time.Unix(0, 0).UTC()

// due are the days to seal, until the last that is over, in order: all since the
// newest that is sealed, and the first time those with steps and all since the
// last of these.
func (s *Sealer) due(ctx context.Context, until time.Time) ([]time.Time, error) {
	var days []time.Time
	last := s.newest
	if !last.After(firstDay) {
		some, err := s.o.Rows.CustodyDays(ctx, until.AddDate(0, 0, 1))
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

// look finds the newest day that is sealed: in the audit's file, and in what is
// remembered where that was lost.
func (s *Sealer) look() error {
	if s.looked {
		return nil
	}
	newest := ""
	if s.o.Memory != nil {
		if m, err := s.o.Memory.Recall(); err == nil { // else the file knows
			newest = m.Sealed
		}
	}
	err := s.o.Trail.Each(func(r audit.Row) error {
		if seal, ok := SealOf(r); ok {
			newest = max(newest, seal.Day)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.looked = true
	if day, err := time.Parse(time.DateOnly, newest); err == nil {
		s.note(day)
	}
	return nil
}

func (s *Sealer) seal(ctx context.Context, day time.Time, sum Sum) error {
	if err := s.o.Trail.Log(ctx, Seal{Day: Day(day), Sum: sum}.entry()); err != nil {
		return err
	}
	s.note(day)
	s.o.Log.Info("the custody is sealed", "day", Day(day), "rows", sum.Rows)
	if s.o.Memory == nil {
		return nil
	}
	err := s.o.Memory.Remember(ctx, func(m *audit.Remembered) { m.Sealed = max(m.Sealed, Day(day)) })
	if err != nil {
		s.o.Log.Warn("the newest sealed day is not remembered", "err", err)
	}
	return nil
}

func (s *Sealer) note(day time.Time) {
	s.newest = day
	if day.After(firstDay) {
		s.sealed.Set(float64(day.AddDate(0, 0, 1).Unix()))
	}
}
