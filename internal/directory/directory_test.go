package directory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/directory"
	"fonoteka/internal/mtt"
)

const seat, other, phone, line = "883140000000010", "883140000000020", "883140000000011", "74950000001"

// cabinet is the operator: what it lists, or why it does not answer.
type cabinet struct {
	mu      sync.Mutex
	numbers []mtt.ExternalNumber
	places  []mtt.Workplace
	phones  []mtt.Terminal
	err     error
	asked   []time.Time
}

func (c *cabinet) change(f func()) { c.mu.Lock(); defer c.mu.Unlock(); f() }

func (c *cabinet) tries() int { c.mu.Lock(); defer c.mu.Unlock(); return len(c.asked) }

func (c *cabinet) ExternalNumbers(context.Context) ([]mtt.ExternalNumber, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, time.Now())
	return slices.Clone(c.numbers), c.err
}

func (c *cabinet) Workplaces(context.Context) ([]mtt.Workplace, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.places), c.err
}

func (c *cabinet) Terminals(context.Context) ([]mtt.Terminal, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.phones), c.err
}

// store is the warehouse in memory; internal/warehouse tests the real one.
type store struct {
	mu      sync.Mutex
	rows    []directory.Row
	changed time.Time
	err     error
}

func (s *store) Directory(_ context.Context, integration string, at time.Time) ([]directory.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := map[string]directory.Row{}
	for _, r := range s.rows {
		k := string(r.Kind) + r.ID
		if r.Integration == integration && !r.ValidFrom.After(at) && !r.ValidFrom.Before(last[k].ValidFrom) {
			last[k] = r
		}
	}
	var out []directory.Row
	for _, r := range last {
		out = append(out, r)
	}
	return out, s.err
}

func (s *store) InsertDirectory(_ context.Context, rows []directory.Row) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.rows = append(s.rows, rows...)
	}
	return s.err
}

func (s *store) DirectoryChanged(context.Context, string) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed, s.err
}

func (s *store) SetProgress(context.Context, string, string) error { return nil }

func (s *store) notify() { s.mu.Lock(); defer s.mu.Unlock(); s.changed = time.Now() }

// history is every row in words, with its time since start.
func (s *store) history(start time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.rows {
		word := r.Word
		if r.Department != "" {
			word += " in " + r.Department
		}
		if r.Gone {
			word = "gone"
		}
		from := r.ValidFrom.Sub(start).Truncate(time.Second).String()
		if r.ValidFrom.Equal(directory.AsFarBack) {
			from = "always"
		}
		out = append(out, fmt.Sprintf("%s %s %s: %s", from, r.Kind, r.ID, word))
	}
	slices.Sort(out)
	return out
}

func company() *cabinet {
	return &cabinet{
		numbers: []mtt.ExternalNumber{{Number: "8 (495) 000-00-01", Type: "multichannel"}},
		places:  []mtt.Workplace{{ID: seat, Name: "Ivanov"}, {ID: other, Name: "Smirnova"}},
		phones:  []mtt.Terminal{{ID: phone, Workplace: seat}},
	}
}

func keep(t *testing.T, c *cabinet, s *store, change func(*directory.Options)) (k *directory.Keeper, stop func()) {
	t.Helper()
	o := directory.Options{Integration: "main", Source: c, Store: s, Registerer: prometheus.NewRegistry()}
	if change != nil {
		change(&o)
	}
	k, err := directory.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- k.Run(ctx) }()
	return k, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestTheDirectoryKeepsItsHistory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, c, s := time.Now(), company(), &store{}
		_, stop := keep(t, c, s, nil)
		time.Sleep(time.Hour)
		want := []string{"0s number " + line + ": multichannel", "0s terminal " + phone + ": " + seat, "0s workplace " + seat + ": Ivanov", "0s workplace " + other + ": Smirnova"}
		if diff := cmp.Diff(want, s.history(start)); diff != "" {
			t.Error(diff)
		}
		c.change(func() { c.places[0].Name, c.phones[0].Workplace = "Petrov", other })
		s.notify()
		time.Sleep(10 * time.Second)
		want = append(want, "1h0m0s terminal "+phone+": "+other, "1h0m0s workplace "+seat+": Petrov")
		if diff := cmp.Diff(want, s.history(start)); diff != "" {
			t.Error(diff)
		}
		c.change(func() { c.places, c.numbers = c.places[:1], nil })
		time.Sleep(26 * time.Hour) // no notification came: the next day
		if got := strings.Join(s.history(start), "\n"); !strings.Contains(got, "workplace "+other+": gone") || !strings.Contains(got, "number "+line+": gone") {
			t.Error(got)
		}
		before := len(s.history(start))
		c.change(func() { c.places = append(c.places, mtt.Workplace{ID: other, Name: "Smirnova"}) })
		time.Sleep(48 * time.Hour)
		if got := s.history(start); len(got) != before+1 {
			t.Errorf("a workplace is back: %v", got)
		}
		stop()
	})
}

// A second change within the minute has the same notification, which the
// warehouse does not tell from the first.
func TestTwoChangesWithinAMinuteAreBothSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, c, s := time.Now(), company(), &store{}
		_, stop := keep(t, c, s, nil)
		time.Sleep(time.Hour + 5*time.Second)
		c.change(func() { c.places[0].Name = "Petrov" })
		s.notify()
		time.Sleep(20 * time.Second)
		c.change(func() { c.places[0].Name = "Sidorov" })
		time.Sleep(time.Minute)
		if got := strings.Join(s.history(start), "\n"); !strings.Contains(got, "Petrov") || !strings.Contains(got, "Sidorov") {
			t.Error(got)
		}
		if n := c.tries(); n != 3 {
			t.Errorf("asked %d times", n)
		}
		stop()
	})
}

func TestAFetchThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, c, s := time.Now(), company(), &store{}
		noLogin := errors.New("nobody has logged in")
		c.err = noLogin
		_, stop := keep(t, c, s, func(o *directory.Options) { o.NotYet = func(err error) bool { return errors.Is(err, noLogin) } })
		time.Sleep(3 * time.Hour)
		if n := c.tries(); n < 500 { // it is asked of ourselves, and costs nothing
			t.Errorf("%d tries before the login", n)
		}
		c.change(func() { c.err, c.asked = errors.New("HTTP 502"), nil })
		time.Sleep(12 * time.Hour)
		if n := c.tries(); n < 12 || n > 25 {
			t.Errorf("%d tries in 12 hours", n)
		}
		c.change(func() { c.err = nil })
		time.Sleep(time.Hour + time.Minute)
		if len(s.history(start)) != 4 {
			t.Error("the directory was not fetched")
		}
		stop()
	})
}

func TestTheDirectoryWaitsForTheWarehouse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, c, s := time.Now(), company(), &store{err: errors.New("away")}
		_, stop := keep(t, c, s, nil)
		time.Sleep(time.Hour)
		s.mu.Lock()
		s.err = nil
		s.mu.Unlock()
		time.Sleep(10 * time.Second)
		if len(s.history(start)) != 4 {
			t.Error("the directory was not fetched")
		}
		stop()
	})
}

func TestDepartmentsOfTheConfigurationHoldFromTheStartOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, c, s := time.Now(), company(), &store{}
		c.err = errors.New("no login")
		configured := func(departments map[string]string) {
			_, stop := keep(t, c, s, func(o *directory.Options) { o.Departments = departments })
			time.Sleep(time.Hour)
			stop()
		}
		configured(map[string]string{seat: "Sales", other: "Sales"})
		configured(map[string]string{seat: "Sales", other: "Support"})
		want := []string{"1h0m0s staff " + other + ":  in Support", "always staff " + seat + ":  in Sales", "always staff " + other + ":  in Sales"}
		if diff := cmp.Diff(want, s.history(start)); diff != "" {
			t.Error(diff)
		}
	})
}
