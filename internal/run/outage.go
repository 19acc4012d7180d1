package run

import (
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Outage logs when a stage begins to fail and when it has recovered, once each, however
// many tries fail in between. While it fails, the gauge fonoteka_stage_failing is 1 for
// this stage. It is safe for concurrent use.
type Outage struct {
	// After is how long failures last before they are logged, so that a start that
	// waits for its stores logs nothing; 0: the first failure is. Set it before use.
	After time.Duration

	log   *slog.Logger
	gauge prometheus.Gauge

	mu     sync.Mutex
	since  time.Time // of the first failure; zero: it works
	logged bool
}

// NewOutage returns the Outage of a stage, which one registry knows once. log and reg may
// be nil.
func NewOutage(stage string, log *slog.Logger, reg prometheus.Registerer) *Outage {
	return &Outage{
		log: Log(log).With("stage", stage),
		gauge: promauto.With(reg).NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_stage_failing", Help: "1 while the last try of a stage failed; it is retried.",
			ConstLabels: prometheus.Labels{"stage": stage},
		}),
	}
}

// Note takes the outcome of a try: nil if it worked. The attributes are logged with the
// error that begins an outage. Errors because of a stop are not to be noted.
func (o *Outage) Note(err error, attrs ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		if o.logged {
			o.log.Info("stage recovered", "took", time.Since(o.since))
		}
		o.since, o.logged = time.Time{}, false
		o.gauge.Set(0)
		return
	}
	if o.since.IsZero() {
		o.since = time.Now()
		o.gauge.Set(1)
	}
	if !o.logged && time.Since(o.since) >= o.After {
		o.logged = true
		o.log.Warn("stage failed, retrying", append([]any{"err", err}, attrs...)...)
	}
}

// Failing says whether the last try failed.
func (o *Outage) Failing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.since.IsZero()
}
