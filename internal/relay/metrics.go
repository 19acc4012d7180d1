package relay

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	records, setAside, failures prometheus.Counter
	took                        prometheus.Observer
}

func newMetrics(cursor string, reg prometheus.Registerer) (metrics, error) {
	labels := prometheus.Labels{"cursor": cursor}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "fonoteka_relay_" + name, Help: help, ConstLabels: labels})
	}
	took := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "fonoteka_relay_batch_seconds", Help: "Time a sink took for a batch.", ConstLabels: labels,
		Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
	})
	records := counter("records_total", "Spool records delivered to the sink, counted again when delivered again.")
	setAside := counter("set_aside_total", "Records the sink refused for good, kept in rejected.")
	failures := counter("failures_total", "Deliveries that failed and were tried again.")
	m := metrics{records: records, setAside: setAside, failures: failures, took: took}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{records, setAside, failures, took} {
		if err := reg.Register(c); err != nil {
			return m, err
		}
	}
	return m, nil
}

func (m metrics) delivered(n int, took time.Duration) {
	m.records.Add(float64(n))
	m.took.Observe(took.Seconds())
}
