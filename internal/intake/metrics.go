package intake

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// outcome is what became of a request.
type outcome int

const (
	kept        outcome = iota // a notification, durable
	empty                      // a POST without a body: the operator's check
	tooLarge                   // kept in part
	full                       // refused: the spool is full
	stopping                   // refused: the spool is closed
	failed                     // refused: the spool has failed
	brokenOff                  // the body did not come whole
	method                     // neither GET, HEAD nor POST
	greeted                    // GET or HEAD
	oauth                      // handed to OAuth
	notFound                   // not our path
	misdirected                // not our path, but a notification
	foreign                    // our path, but not a network that may send
	panicked                   // a defect of ours
	outcomes
)

func (o outcome) String() string {
	return [outcomes]string{
		"kept", "empty", "too_large", "full", "stopping", "failed", "broken_off", "method", "greeted", "oauth", "not_found", "misdirected", "foreign", "panicked",
	}[o]
}

type metrics struct {
	requests *prometheus.CounterVec
	outcome  [outcomes]prometheus.Counter
	bytes    prometheus.Counter
	seconds  prometheus.Histogram
	last     *prometheus.GaugeVec
	lastKept []prometheus.Gauge // by integration
	formers  *prometheus.CounterVec
	former   []prometheus.Counter // by integration
}

func newMetrics(integrations []Integration, reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_intake_requests_total", Help: "Requests by what became of them.",
		}, []string{"outcome"}),
		bytes: f.NewCounter(prometheus.CounterOpts{
			Name: "fonoteka_intake_kept_bytes_total", Help: "Bytes of the notifications kept.",
		}),
		seconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "fonoteka_intake_post_seconds", Help: "Time from a POST's headers to its answer.",
			Buckets: prometheus.ExponentialBuckets(100e-6, 2, 18),
		}),
		last: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fonoteka_intake_last_kept_timestamp_seconds", Help: "When the last notification was kept, 0 before the first.",
		}, []string{"integration"}),
		formers: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_intake_previous_requests_total", Help: "Requests to the previous redirect URI, which will end.",
		}, []string{"integration"}),
	}
	for o := range outcomes {
		m.outcome[o] = m.requests.WithLabelValues(o.String())
	}
	for _, in := range integrations {
		m.lastKept = append(m.lastKept, m.last.WithLabelValues(in.Name))
		m.former = append(m.former, m.formers.WithLabelValues(in.Name))
	}
	return m
}

func (m *metrics) kept(integration, bytes int, now time.Time) {
	m.bytes.Add(float64(bytes))
	m.lastKept[integration].Set(float64(now.UnixMilli()) / 1e3)
}

func (m *metrics) observe(start time.Time) { m.seconds.Observe(time.Since(start).Seconds()) }
