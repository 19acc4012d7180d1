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
	gone     prometheus.Gauge
	late     prometheus.Gauge
	compared prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (metrics, error) {
	m := metrics{
		entries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_audit_entries_total", Help: "Entries that this process added to the audit, by action and outcome.",
		}, []string{"action", "outcome"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_audit_failures_total", Help: "What failed: log (the action was not allowed to go on), ship (to the table), anchor (into the bucket), remember (in the vault), check (against vault and bucket).",
		}, []string{"step"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_audit_unshipped_entries", Help: "Entries that the table audit does not have yet.",
		}),
		forked: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_audit_forked", Help: "1: the file, the table, an anchor or what is remembered tell different stories (fonoteka audit verify).",
		}),
		gone: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_audit_anchors_gone", Help: "Days whose anchor was put into the bucket and is not there any more.",
		}),
		late: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_audit_unanchored_days", Help: "Days with entries that have no anchor two days after their end.",
		}),
		compared: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_audit_checked_timestamp_seconds", Help: "When file, memory and anchors were last compared; 0: not yet.",
		}),
	}
	if reg == nil {
		return m, nil
	}
	var err error
	for _, c := range []prometheus.Collector{m.entries, m.failures, m.waiting, m.forked, m.gone, m.late, m.compared} {
		err = errors.Join(err, reg.Register(c))
	}
	return m, err
}
