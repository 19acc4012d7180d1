package archive

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"fonoteka/internal/audio"
)

type metrics struct {
	attempts    *prometheus.CounterVec
	infra       *prometheus.CounterVec
	bytes       prometheus.Counter
	archived    prometheus.Counter
	formats     *prometheus.CounterVec
	conflicts   prometheus.Counter
	quarantined prometheus.Counter
	resumed     prometheus.Counter
	warnings    *prometheus.CounterVec
	inFlight    prometheus.Gauge
	took        prometheus.Histogram
	lag         prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	m := &metrics{
		attempts: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_archive_attempts_total", Help: "Jobs by outcome: archived, finished (was stored already), stale, same or another (file, of a short one that was fetched again), again (our infrastructure failed), or the kind of failure.",
		}, []string{"outcome"}),
		infra: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_archive_infrastructure_failures_total", Help: "Failures that are not the operator's server's.",
		}, []string{"what"}),
		bytes:    f.NewCounter(prometheus.CounterOpts{Name: "fonoteka_archive_fetched_bytes_total", Help: "Bytes of complete downloads."}),
		archived: f.NewCounter(prometheus.CounterOpts{Name: "fonoteka_archive_archived_total", Help: "Rows written that say archived."}),
		formats: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_archive_formats_total", Help: "Rows written that say archived, by the format of the file.",
		}, []string{"format"}),
		conflicts:   f.NewCounter(prometheus.CounterOpts{Name: "fonoteka_archive_conflicts_total", Help: "Different files for one recording."}),
		quarantined: f.NewCounter(prometheus.CounterOpts{Name: "fonoteka_archive_quarantined_total", Help: "Damaged files kept, each digest of a recording once."}),
		resumed:     f.NewCounter(prometheus.CounterOpts{Name: "fonoteka_archive_resumed_total", Help: "Transfers of complete downloads taken up again after a break."}),
		warnings: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_archive_warnings_total", Help: "Archived files that are odd: they play for longer than the talk, the server did not say their length, a proxy has changed them, or there is text before the audio.",
		}, []string{"what"}),
		inFlight: f.NewGauge(prometheus.GaugeOpts{Name: "fonoteka_archive_in_flight", Help: "Jobs being done now."}),
		took: f.NewHistogram(prometheus.HistogramOpts{
			Name: "fonoteka_archive_job_seconds", Help: "Time of a job, whatever its outcome.", Buckets: prometheus.ExponentialBuckets(0.005, 2.5, 14),
		}),
		lag: f.NewHistogram(prometheus.HistogramOpts{
			Name: "fonoteka_archive_lag_seconds", Help: "From the announcement of a recording to its row.", Buckets: prometheus.ExponentialBuckets(0.25, 4, 13),
		}),
	}
	for _, outcome := range outcomes() { // an increase from nothing is none
		m.attempts.WithLabelValues(string(outcome))
	}
	for _, what := range []string{"duration", "unmeasured", "proxied", "text_before"} {
		m.warnings.WithLabelValues(what)
	}
	for _, format := range audio.Verified() {
		m.formats.WithLabelValues(string(format))
	}
	return m
}
