package audit_test

import (
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/audit"
)

// metered is an installation's shipper that has shipped once, and what its
// metrics without labels say.
func metered(t *testing.T, in *installation) (tell func(name string) float64, s *audit.Shipper) {
	t.Helper()
	reg := prometheus.NewRegistry()
	trail, err := audit.Open(audit.Options{Dir: in.dir, Now: in.c.now, Memory: in.m, Installation: "this-one", Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	s, err = trail.NewShipper(audit.ShipperOptions{Table: in.tab, Anchors: in.b})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Ship(t.Context()), s.Anchor(t.Context())); err != nil {
		t.Fatal(err)
	}
	return func(name string) float64 {
		t.Helper()
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == name {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		t.Fatalf("no metric %s", name)
		return 0
	}, s
}
