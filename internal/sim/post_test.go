package sim_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/sim"
)

// inbox is a listener that keeps what it answered 200.
type inbox struct {
	mu     sync.Mutex
	bodies []string
	times  []time.Time
	asked  map[string]int
	refuse func(nth int, body string) bool // nth time this body came, from 1
}

// RoundTrip makes an inbox a transport, for tests within a bubble of time.
func (b *inbox) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	b.ServeHTTP(w, req)
	return w.Result(), nil
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asked == nil {
		b.asked = map[string]int{}
	}
	b.asked[string(body)]++
	switch {
	case err != nil, req.Method != http.MethodPost, req.URL.Path != "/mtt/secret/events", req.Header.Get("Content-Type") != "application/json":
		w.WriteHeader(http.StatusBadRequest)
	case b.refuse != nil && b.refuse(b.asked[string(body)], string(body)):
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		b.bodies = append(b.bodies, string(body))
		b.times = append(b.times, time.Now())
	}
}

const redirect = "http://listener.test/mtt/secret"

// postTo posts in a bubble of time, so that pauses cost nothing.
func postTo(t *testing.T, b *inbox, opts sim.Options) (s *sim.Sim, took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s = newSim(t, opts)
		begin := time.Now()
		err = s.Post(t.Context(), &http.Client{Transport: b}, redirect)
		took = time.Since(begin)
	})
	return s, took, err
}

func sorted(bodies []string) []string {
	out := slices.Clone(bodies)
	sort.Strings(out)
	return out
}

func planned(s *sim.Sim) []string {
	var out []string
	for _, b := range s.Notifications() {
		out = append(out, string(b))
	}
	return out
}

func TestEachNotificationArrivesOnceAndInOrder(t *testing.T) {
	t.Parallel()
	b := &inbox{}
	s, _, err := postTo(t, b, sim.Options{Seed: 1, Calls: 100, Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(planned(s), b.bodies); diff != "" {
		t.Error(diff)
	}
	l := s.Ledger()
	if int(l.Acked) != len(b.bodies) || l.Distinct+l.Directory != l.Acked || l.Directory == 0 || len(l.Calls) != 100 {
		t.Errorf("%d bodies, ledger %d acked, %d distinct, %d directory, %d calls", len(b.bodies), l.Acked, l.Distinct, l.Directory, len(l.Calls))
	}
}

func TestManyConnectionsKeepTheOrderOfACall(t *testing.T) {
	t.Parallel()
	b := &inbox{}
	s, _, err := postTo(t, b, sim.Options{Seed: 1, Calls: 100, Connections: 8})
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int{}
	for i, body := range b.bodies {
		place[body] = i
	}
	for _, c := range s.Calls() {
		for i, n := range c.Notifications[1:] {
			if place[string(n.Body())] < place[string(c.Notifications[i].Body())] {
				t.Fatalf("%s of %s arrived before what came before it", n.State, c.PlatformID)
			}
		}
	}
}

func TestRefusedNotificationsComeAgainUntilAcknowledged(t *testing.T) {
	t.Parallel()
	b := &inbox{refuse: func(nth int, _ string) bool { return nth <= 3 }}
	srv := httptest.NewServer(b)
	defer srv.Close()
	s := newSim(t, sim.Options{Seed: 1, Calls: 3, Connections: 16})
	if err := s.Post(t.Context(), nil, srv.URL+"/mtt/secret/"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sorted(planned(s)), sorted(b.bodies)); diff != "" {
		t.Error(diff)
	}
	for _, c := range s.Ledger().Calls {
		if !c.Complete {
			t.Errorf("%s is not complete", c.PlatformCallID)
		}
		for _, rec := range c.Recordings {
			if !rec.Announced {
				t.Errorf("%s is not announced", rec.URL)
			}
		}
	}
	if st := s.Stats(); st.Attempts != 4*st.Acked {
		t.Errorf("%+v", st)
	}
}

func TestWhatIsNeverAcknowledgedIsNotInTheLedger(t *testing.T) {
	t.Parallel()
	b := &inbox{refuse: func(_ int, body string) bool { return strings.Contains(body, `"recorded"`) }}
	s, took, err := postTo(t, b, sim.Options{Seed: 1, Calls: 15, RetryFor: time.Minute, Connections: 1})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
	l := s.Ledger()
	if l.Lost == 0 || int(l.Acked) != len(b.bodies) || took < time.Minute {
		t.Errorf("lost %d, acked %d of %d, in %s", l.Lost, l.Acked, len(b.bodies), took)
	}
	for _, c := range l.Calls {
		if c.Complete != (len(c.Recordings) == 0) {
			t.Errorf("complete %t with %d recordings", c.Complete, len(c.Recordings))
		}
		for _, rec := range c.Recordings {
			if rec.Announced {
				t.Errorf("%s is announced", rec.URL)
			}
		}
	}
}

func TestAnOutageIsWaitedOutOnce(t *testing.T) {
	t.Parallel()
	_, took, err := postTo(t, &inbox{refuse: func(int, string) bool { return true }},
		sim.Options{Seed: 1, Calls: 100, RetryFor: time.Minute})
	if err == nil || took < time.Minute || took > 2*time.Minute {
		t.Errorf("%v after %s", err, took)
	}
}

func TestWithoutRetryOneAttemptIsMade(t *testing.T) {
	t.Parallel()
	s, _, err := postTo(t, &inbox{refuse: func(nth int, _ string) bool { return true }},
		sim.Options{Seed: 1, Calls: 15, NoRetry: true})
	if st := s.Stats(); err == nil || st.Attempts != st.Lost || st.Acked != 0 {
		t.Errorf("%v, %+v", err, st)
	}
}

func TestDuplicatesAndShuffleAreAsManyAsAskedAndRepeatable(t *testing.T) {
	t.Parallel()
	opts := sim.Options{Seed: 9, Calls: 300, Connections: 1, Faults: sim.Faults{Duplicate: 1.0 / 3, Shuffle: 1}}
	a, b := &inbox{}, &inbox{}
	s, _, err := postTo(t, a, opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := postTo(t, b, opts); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a.bodies, b.bodies); diff != "" {
		t.Error("another order the second time")
	}
	plan := planned(s)
	if diff := cmp.Diff(slices.Compact(sorted(plan)), slices.Compact(sorted(a.bodies))); diff != "" {
		t.Error(diff)
	}
	if extra := float64(len(a.bodies)-len(plan)) / float64(len(plan)); extra < 0.28 || extra > 0.38 {
		t.Errorf("%d posted of %d", len(a.bodies), len(plan))
	}
	l := s.Ledger()
	if int(l.Acked) != len(a.bodies) || int(l.Distinct+l.Directory) != len(plan) {
		t.Errorf("acked %d, distinct %d, directory %d; posted %d of %d", l.Acked, l.Distinct, l.Directory, len(a.bodies), len(plan))
	}
	if moved := farthest(plan, a.bodies); moved < len(plan)/2 {
		t.Errorf("nothing moved farther than %d places of %d", moved, len(plan))
	}
}

func TestShuffleStaysWithinItsWindow(t *testing.T) {
	t.Parallel()
	b := &inbox{}
	s, _, err := postTo(t, b, sim.Options{Seed: 9, Calls: 300, Connections: 1, Faults: sim.Faults{Shuffle: 0.5}, ShuffleWindow: 20})
	if err != nil {
		t.Fatal(err)
	}
	if moved := farthest(planned(s), b.bodies); moved < 5 || moved > 40 {
		t.Errorf("moved up to %d places", moved)
	}
}

// farthest is how many places a notification moved at most.
func farthest(plan, got []string) int {
	place, far := map[string]int{}, 0
	for i, body := range plan {
		place[body] = i
	}
	for i, body := range got {
		if !strings.Contains(body, "vpbx") {
			far = max(far, place[body]-i)
		}
	}
	return far
}

func TestRateAndSpeedPaceTheCalls(t *testing.T) {
	t.Parallel()
	b := &inbox{}
	opts := sim.Options{Seed: 9, Calls: 40, Rate: 2, Connections: 64}
	if _, took, err := postTo(t, b, opts); err != nil || took != 19500*time.Millisecond {
		t.Errorf("40 calls at 2 a second took %s: %v", took, err)
	}
	b = &inbox{}
	opts.Speed, opts.Start = 1, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where a bubble's time begins
	if _, _, err := postTo(t, b, opts); err != nil {
		t.Fatal(err)
	}
	for i, body := range b.bodies {
		if strings.Contains(body, "vpbx") {
			continue
		}
		_, info := decode(t, []byte(body))
		if info["state"] != "trying" && info["state"] != "connected" {
			continue
		}
		at, err := time.Parse("2006-01-02 15:04:05", info["startTime"].(string))
		if late := b.times[i].Sub(at); err != nil || late < 0 || late >= time.Second {
			t.Errorf("%s arrived %s after its time: %v", info["state"], late, err)
		}
	}
}

func TestDelayedNotificationsStillArrive(t *testing.T) {
	t.Parallel()
	b := &inbox{}
	s, took, err := postTo(t, b, sim.Options{Seed: 9, Calls: 40, Faults: sim.Faults{Delay: 0.5}})
	if err != nil || took < 4*time.Second || took > 5*time.Second || len(b.bodies) != len(planned(s)) {
		t.Errorf("%d of %d in %s: %v", len(b.bodies), len(planned(s)), took, err)
	}
}

func TestPostStopsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, sim.Options{Seed: 9, Calls: 1000, Rate: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 30500*time.Millisecond)
		defer cancel()
		if err := s.Post(ctx, &http.Client{Transport: &inbox{}}, redirect); err == nil {
			t.Error("no error")
		}
		if n := len(s.Ledger().Calls); n != 31 {
			t.Errorf("%d calls in the ledger after 31 began", n)
		}
	})
}

func TestLiveTrafficGoesOnUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, sim.Options{Seed: 9, Faults: sim.Faults{Duplicate: 0.2, Delay: 0.1}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		b := &inbox{}
		s.Live(ctx, &http.Client{Transport: b}, redirect, 1)
		l := s.Ledger()
		complete := 0
		for _, c := range l.Calls {
			if c.Complete {
				complete++
			}
		}
		if len(l.Calls) < 3200 || len(l.Calls) > 4000 || complete < len(l.Calls)*9/10 || complete == len(l.Calls) {
			t.Errorf("%d calls in an hour, %d complete", len(l.Calls), complete)
		}
		if int(l.Acked) != len(b.bodies) || l.Acked <= l.Distinct+l.Directory {
			t.Error(fmt.Sprint(l.Acked, l.Distinct, l.Directory, len(b.bodies)))
		}
	})
}
