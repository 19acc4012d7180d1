package relay

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	records, setAside, failures prometheus.Counter
	took                        prometheus.Observer
}

func newMetrics(cursor string, reg prometheus.Registerer) metrics {
	f := promauto.With(reg)
	labels := prometheus.Labels{"cursor": cursor}
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: "fonoteka_relay_" + name, Help: help, ConstLabels: labels})
	}
	return metrics{
		records:  counter("records_total", "Spool records delivered to the sink, counted again when delivered again."),
		setAside: counter("set_aside_total", "Records the sink refused for good, kept in rejected."),
		failures: counter("failures_total", "Deliveries that failed and were tried again."),
		took: f.NewHistogram(prometheus.HistogramOpts{
			Name: "fonoteka_relay_batch_seconds", Help: "Time a sink took for a batch.", ConstLabels: labels,
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
	}
}

func (m metrics) delivered(n int, took time.Duration) {
	m.records.Add(float64(n))
	m.took.Observe(took.Seconds())
}
