package blob

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	took   *prometheus.HistogramVec
	errors *prometheus.CounterVec
	bytes  *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	m := &metrics{
		took: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fonoteka_blob_request_seconds", Help: "Requests to the object store, by operation.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
		}, []string{"op"}),
		errors: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_blob_errors_total", Help: "Failed requests to the object store; exists, missing and kept are answers, not failures.",
		}, []string{"op", "kind"}),
		bytes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_blob_bytes_total", Help: "Bytes stored and opened for reading.",
		}, []string{"op"}),
	}
	for _, op := range []string{"ensure", "get", "list", "put", "range", "remove", "stat", "versions"} {
		m.errors.WithLabelValues(op, failure)
	}
	return m
}

// failure is the kind of an error that is no answer.
const failure = "failed"

func (m *metrics) observe(op string, start time.Time) {
	m.took.WithLabelValues(op).Observe(time.Since(start).Seconds())
}

// failed counts err and gives it back.
func (m *metrics) failed(op string, err error) error {
	kind := failure
	switch {
	case errors.Is(err, ErrExists):
		kind = "exists"
	case errors.Is(err, ErrNotFound):
		kind = "missing"
	case errors.Is(err, ErrHeld), errors.Is(err, ErrRetained):
		kind = "kept"
	}
	m.errors.WithLabelValues(op, kind).Inc()
	return err
}
