package catalogstats_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"fonoteka/internal/call"
	"fonoteka/internal/catalogstats"
)

// catalogue answers what it is told to.
type catalogue struct {
	mu    sync.Mutex
	asked int
	takes time.Duration
	err   error
	lost  uint64
}

func (c *catalogue) set(takes time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.takes, c.err, c.asked = takes, err, 0
}

func (c *catalogue) times() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

func (c *catalogue) Standing(ctx context.Context, now time.Time) (catalogstats.Counts, error) {
	c.mu.Lock()
	c.asked++
	takes, err := c.takes, c.err
	c.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return catalogstats.Counts{}, ctx.Err()
	}
	s := catalogstats.Counts{
		At: now, States: map[call.RecordingState]uint64{call.Archived: 40, call.Missing: 6, call.Expired: c.lost}, Lost: c.lost, ArchivedBytes: 4096,
		AtRisk: [7]uint64{1, 0, 2, 0, 0, 3, 0}, Due: 2, OldestDue: now.Add(-time.Hour), NextExpiry: time.Unix(1_000_000, 0),
	}
	return s, err
}

func collect(t *testing.T, c *catalogue, log *bytes.Buffer) (*prometheus.Registry, func()) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	col, err := catalogstats.New(catalogstats.Options{Catalogue: c, Log: slog.New(slog.NewTextHandler(log, nil)), Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- col.Run(ctx) }()
	return reg, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestAScrapeGetsTheLastAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, log := &catalogue{takes: 100 * time.Millisecond, lost: 1}, &bytes.Buffer{}
		reg, stop := collect(t, c, log)
		if n, err := testutil.GatherAndCount(reg, "fonoteka_recordings", "fonoteka_recordings_at_risk"); n != 0 || err != nil {
			t.Errorf("%d metrics before anybody looked, %v", n, err)
		}
		time.Sleep(time.Second)
		c.set(0, errors.New("away"))
		time.Sleep(10 * time.Minute) // it fails from now on: the last answer stays
		want := `
# HELP fonoteka_recordings_at_risk Recordings that are not archived, or short and to be fetched again, by the days their links have left: at most the label's and more than the step's below; overdue: none, more: over 90. Each is in one step.
# TYPE fonoteka_recordings_at_risk gauge
fonoteka_recordings_at_risk{days_left="1"} 0
fonoteka_recordings_at_risk{days_left="3"} 2
fonoteka_recordings_at_risk{days_left="30"} 0
fonoteka_recordings_at_risk{days_left="7"} 0
fonoteka_recordings_at_risk{days_left="90"} 3
fonoteka_recordings_at_risk{days_left="more"} 0
fonoteka_recordings_at_risk{days_left="overdue"} 1
# HELP fonoteka_recordings_lost Recordings given up: the operator's server itself said that the file is gone after its time had run out.
# TYPE fonoteka_recordings_lost gauge
fonoteka_recordings_lost 1
# HELP fonoteka_recordings_oldest_due_seconds How long the longest-waiting of those due has been due, 0 if none is.
# TYPE fonoteka_recordings_oldest_due_seconds gauge
fonoteka_recordings_oldest_due_seconds 4201
`
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "fonoteka_recordings_at_risk", "fonoteka_recordings_lost", "fonoteka_recordings_oldest_due_seconds"); err != nil {
			t.Error(err)
		}
		if n, err := testutil.GatherAndCount(reg, "fonoteka_recordings"); n != 8 || err != nil {
			t.Errorf("%d states, %v", n, err)
		}
		c.set(0, nil)
		time.Sleep(time.Minute)
		stop()
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("%d lines, want failing and working again:\n%s", n, log)
		}
	})
}

func TestASlowWarehouseIsAskedLessOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &catalogue{}
		_, stop := collect(t, c, &bytes.Buffer{})
		defer stop()
		time.Sleep(time.Hour + time.Second)
		if n := c.times(); n != 241 {
			t.Errorf("asked %d times in an hour, want every 15 s", n)
		}
		c.set(10*time.Second, nil)
		time.Sleep(time.Hour)
		if n := c.times(); n < 16 || n > 19 {
			t.Errorf("asked %d times in an hour, though each look takes 10 s", n)
		}
	})
}
