package warehouse

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	ops     *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	rows    *prometheus.CounterVec
	failing prometheus.Gauge
	batch   prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		ops: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_warehouse_operations_total",
			Help: "Operations on the warehouse by their result: ok, failed (worth another try), refused (for good), cancelled.",
		}, []string{"op", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "fonoteka_warehouse_operation_seconds",
			Help:    "How long operations on the warehouse took.",
			Buckets: prometheus.ExponentialBuckets(0.002, 2.5, 12),
		}, []string{"op"}),
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_warehouse_rows_written_total",
			Help: "Rows acknowledged by the warehouse, repeats included.",
		}, []string{"table"}),
		failing: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_warehouse_consecutive_failures",
			Help: "Operations that have failed in a row; 0 while the warehouse answers.",
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fonoteka_warehouse_writer_batch_rows",
			Help:    "Recordings written together by one insert of the group-committing writer.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.ops, m.seconds, m.rows, m.failing, m.batch} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
