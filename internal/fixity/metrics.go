package fixity

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	checked  *prometheus.CounterVec
	bytes    prometheus.Counter
	orphans  *prometheus.GaugeVec
	uploads  prometheus.Counter
	restored *prometheus.CounterVec
	failures *prometheus.CounterVec
	locks    *prometheus.CounterVec
	lockLost prometheus.Gauge
	left     prometheus.Gauge
	passEnd  prometheus.Gauge
	oldest   atomic.Int64 // unix ms of the longest unchecked recording's last check; 0: none
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	m := &metrics{
		checked: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_fixity_checked_total", Help: "Archived recordings read again: verified, altered, absent or unreadable.",
		}, []string{"result"}),
		bytes: f.NewCounter(prometheus.CounterOpts{Name: "fonoteka_fixity_bytes_total", Help: "Bytes of recordings read again."}),
		orphans: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fonoteka_fixity_orphans", Help: "What was on one side only, bucket or catalogue, at the last look.",
		}, []string{"kind"}),
		uploads: f.NewCounter(prometheus.CounterOpts{
			Name: "fonoteka_fixity_uploads_ended_total", Help: "Incomplete uploads older than a day that were ended.",
		}),
		restored: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_fixity_restored_total", Help: "Recordings with a fault that have good bytes again: back (in their place), beside (a copy that was there), fetched (again from the operator); differs: fetched, but another file.",
		}, []string{"how"}),
		failures: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_fixity_failures_total", Help: "Work of the background check that failed and is tried again, by what.",
		}, []string{"what"}),
		locks: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_fixity_locks_total", Help: "Recordings whose lock in the store was compared with the catalogue's: kept (as it should be), renewed (it was missing or ended too soon), failed (likewise, and could not be set).",
		}, []string{"result"}),
		lockLost: f.NewGauge(prometheus.GaugeOpts{Name: "fonoteka_fixity_lock_lost_timestamp_seconds", Help: "When a recording was last found without the lock that the catalogue says; 0: none was since the start."}),
		left:     f.NewGauge(prometheus.GaugeOpts{Name: "fonoteka_fixity_pass_left", Help: "Archived recordings that the running pass has still to check."}),
		passEnd:  f.NewGauge(prometheus.GaugeOpts{Name: "fonoteka_fixity_last_pass_timestamp_seconds", Help: "When the last pass over everything ended; 0: none did yet."}),
	}
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fonoteka_fixity_oldest_unchecked_seconds", Help: "How long ago the recording that is next to be checked, the longest unchecked one, was checked or archived.",
	}, m.age)
	for _, k := range orphanKinds {
		m.orphans.WithLabelValues(string(k))
	}
	for _, r := range []Result{Verified, Altered, Absent, Unreadable} {
		m.checked.WithLabelValues(string(r))
	}
	for _, r := range []string{lockKept, lockRenewed, lockFailed} {
		m.locks.WithLabelValues(r)
	}
	return m
}

// The results of comparing a lock.
const (
	lockKept    = "kept"
	lockRenewed = "renewed"
	lockFailed  = "failed"
)

// locked counts a comparison. The time of a loss is kept apart, since a counter that
// moved before it was first read shows no increase.
func (m *metrics) locked(result string, now time.Time) {
	m.locks.WithLabelValues(result).Inc()
	if result != lockKept {
		m.lockLost.Set(float64(now.Unix()))
	}
}

func (m *metrics) age() float64 {
	if ms := m.oldest.Load(); ms > 0 {
		return time.Since(time.UnixMilli(ms)).Seconds()
	}
	return 0
}
