package cdr

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	derived, written, unreadable, failures prometheus.Counter
	skipped, clockSteps                    prometheus.Counter
	derivedTo                              *atomic.Int64 // Unix milliseconds
}

func newMetrics(reg prometheus.Registerer) metrics {
	f := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: "fonoteka_cdr_" + name, Help: help})
	}
	m := metrics{
		derived:    counter("derived_total", "Calls derived, every touch twice."),
		written:    counter("written_total", "Rows of calls written because they changed."),
		unreadable: counter("unreadable_events_total", "Stored notifications that the decoder cannot read any more."),
		failures:   counter("failures_total", "Passes that failed and are tried again."),
		skipped:    counter("skipped_total", "Calls skipped because the warehouse could not read or take them, or because they have more than 16 MiB of notifications."),
		clockSteps: counter("clock_steps_total", "Times the warehouse's clock was found set back."),
		derivedTo:  new(atomic.Int64),
	}
	m.derivedTo.Store(time.Now().UnixMilli())
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fonoteka_cdr_lag_seconds", Help: "How long ago all notifications in the warehouse were derived; it grows through an outage.",
	}, func() float64 { return max(time.Since(time.UnixMilli(m.derivedTo.Load())), 0).Seconds() })
	return m
}
