package edge

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// refusal is why a connection was closed.
type refusal int

const (
	notAProxy refusal = iota // only proxies may connect
	tooMany                  // of one source
	full                     // all connections are authenticated ones
	displaced                // an unauthenticated one, in favour of a new one
	refusals
)

func (r refusal) String() string {
	return [refusals]string{"not_a_proxy", "too_many_of_source", "full", "displaced"}[r]
}

type metrics struct {
	closed  *prometheus.CounterVec
	refused [refusals]prometheus.Counter
	open    prometheus.Gauge
	ignored prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		closed: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_edge_connections_closed_total", Help: "Connections that were refused or had to make room, by reason.",
		}, []string{"reason"}),
		open: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_edge_connections", Help: "Connections open on the public listener.",
		}),
		ignored: f.NewCounter(prometheus.CounterOpts{
			Name: "fonoteka_edge_probes_ignored_total", Help: "Requests to unknown paths in excess of their source's rate: answered 404, their body not examined.",
		}),
	}
	for r := range refusals {
		m.refused[r] = m.closed.WithLabelValues(r.String())
	}
	return m
}
