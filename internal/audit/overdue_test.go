package audit_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/audit"
)

// unreachable is a bucket that answers nothing while it is.
type unreachable struct {
	bucket
	is atomic.Bool
}

func (a *unreachable) PutAnchor(ctx context.Context, key string, body []byte) error {
	if a.is.Load() {
		return errAway
	}
	return a.bucket.PutAnchor(ctx, key, body)
}

func (a *unreachable) Anchor(ctx context.Context, key string) ([]byte, error) {
	if a.is.Load() {
		return nil, errAway
	}
	return a.bucket.Anchor(ctx, key)
}

func (a *unreachable) AnchorKeys(ctx context.Context, prefix string) ([]string, error) {
	if a.is.Load() {
		return nil, errAway
	}
	return a.bucket.AnchorKeys(ctx, prefix)
}

// Days that wait for a bucket that is away are counted while it is, not only once it
// can be asked again.
func TestDaysWithoutAnAnchorAreCountedWhileTheBucketIsAway(t *testing.T) {
	t.Parallel()
	c, b := &clock{t: noon}, &unreachable{bucket: bucket{}}
	b.is.Store(true)
	reg := prometheus.NewRegistry()
	trail, err := audit.Open(audit.Options{Dir: filepath.Join(t.TempDir(), "audit"), Now: c.now, Memory: &memory{}, Installation: "this-one", Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	s, err := trail.NewShipper(audit.ShipperOptions{Table: &table{}, Anchors: b, Every: 5 * time.Millisecond, CheckEvery: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range []int{0, 1, 2} {
		c.set(noon.AddDate(0, 0, day))
		log(t, trail, "an entry")
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	tells := func(want float64) {
		t.Helper()
		got := -1.0
		for end := time.Now().Add(20 * time.Second); got != want && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			families, err := reg.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range families {
				if f.GetName() == "fonoteka_audit_unanchored_days" {
					got = f.GetMetric()[0].GetGauge().GetValue()
				}
			}
		}
		if got != want {
			t.Fatalf("%v days, want %v", got, want)
		}
	}
	c.set(noon.AddDate(0, 0, 4)) // the first two days ended more than 48 h ago
	tells(2)
	c.set(noon.AddDate(0, 0, 6))
	tells(3)
	b.is.Store(false)
	tells(0)
}
