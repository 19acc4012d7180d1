package cdr

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	derived, written, unreadable, failures prometheus.Counter
	lag                                    prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "fonoteka_cdr_" + name, Help: help})
	}
	m := metrics{
		derived:    counter("derived_total", "Calls derived, every touch twice."),
		written:    counter("written_total", "Rows of calls written because they changed."),
		unreadable: counter("unreadable_events_total", "Stored notifications that the decoder cannot read any more."),
		failures:   counter("failures_total", "Passes that failed and are tried again."),
		lag:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "fonoteka_cdr_lag_seconds", Help: "Age of the newest notification that is derived, 0 when none waits."}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.derived, m.written, m.unreadable, m.failures, m.lag} {
		if err := reg.Register(c); err != nil {
			return m, err
		}
	}
	return m, nil
}
