package audit

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	entries  *prometheus.CounterVec
	failures *prometheus.CounterVec
	waiting  prometheus.Gauge
	forked   prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (metrics, error) {
	m := metrics{
		entries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_audit_entries_total", Help: "Entries that this process added to the audit, by action and outcome.",
		}, []string{"action", "outcome"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_audit_failures_total", Help: "What failed: log (the action was not allowed to go on), ship (to the table), anchor (into the bucket).",
		}, []string{"step"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_audit_unshipped_entries", Help: "Entries that the table audit does not have yet.",
		}),
		forked: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_audit_forked", Help: "1: the file and the table, or an anchor, tell different stories (fonoteka audit verify).",
		}),
	}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(reg.Register(m.entries), reg.Register(m.failures), reg.Register(m.waiting), reg.Register(m.forked))
}
