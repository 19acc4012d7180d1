package edge

import "github.com/prometheus/client_golang/prometheus"

// refusal is why a connection was closed.
type refusal int

const (
	notAProxy refusal = iota // only proxies may connect
	tooMany                  // of one source
	full                     // all places are taken by those who know a secret
	displaced                // a stranger who had to make room
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

func newMetrics() *metrics {
	m := &metrics{
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_edge_connections_closed_total", Help: "Connections that were refused or had to make room, by reason.",
		}, []string{"reason"}),
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_edge_connections", Help: "Connections open on the public listener.",
		}),
		ignored: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fonoteka_edge_strangers_ignored_total", Help: "Requests to unknown paths in excess of their source's rate: answered 404 without a look.",
		}),
	}
	for r := range refusals {
		m.refused[r] = m.closed.WithLabelValues(r.String())
	}
	return m
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{m.closed, m.open, m.ignored} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}
