package rollup

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	days     *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	waiting  *prometheus.GaugeVec
	failures prometheus.Counter
	passed   prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) metrics {
	f := promauto.With(reg)
	m := metrics{
		days: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_rollup_days_total", Help: "Days of calls that were rolled up for reports.",
		}, []string{"rollup"}),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fonoteka_rollup_seconds", Help: "How long rolling up took, some days of one month at a time.",
			Buckets: prometheus.ExponentialBuckets(0.05, 2.5, 9),
		}, []string{"rollup"}),
		waiting: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fonoteka_rollup_waiting_days", Help: "Days that are to be rolled up; reports show them as they were before.",
		}, []string{"rollup"}),
		failures: f.NewCounter(prometheus.CounterOpts{
			Name: "fonoteka_rollup_failures_total", Help: "Passes over the rollups that failed.",
		}),
		passed: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_rollup_last_pass_timestamp_seconds", Help: "When the rollups were last found or made up to date with the last days' calls.",
		}),
	}
	for _, name := range []string{calls, departments, callers, recordings} {
		m.days.WithLabelValues(name) // a counter that is not there cannot be seen to rise
		m.waiting.WithLabelValues(name)
	}
	return m
}
