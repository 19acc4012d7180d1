package audit

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
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

func newMetrics(reg prometheus.Registerer) metrics {
	f := promauto.With(reg)
	return metrics{
		entries: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_audit_entries_total", Help: "Entries that this process added to the audit, by action and outcome.",
		}, []string{"action", "outcome"}),
		failures: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_audit_failures_total", Help: "What failed: log (the action was not allowed to go on), ship (to the table), anchor (into the bucket), remember (in the vault), check (against vault and bucket).",
		}, []string{"step"}),
		waiting: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_audit_unshipped_entries", Help: "Entries that the table audit does not have yet.",
		}),
		forked: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_audit_forked", Help: "1: the file, the table, an anchor or the memory contradict each other (fonoteka audit verify).",
		}),
		gone: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_audit_anchors_gone", Help: "Days whose anchor was put into the bucket and is not there any more.",
		}),
		late: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_audit_unanchored_days", Help: "Days with entries that have no anchor two days after their end.",
		}),
		compared: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_audit_checked_timestamp_seconds", Help: "When file, memory and anchors were last compared; 0: not yet.",
		}),
	}
}
