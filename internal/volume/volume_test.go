package volume_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"fonoteka/internal/call"
	"fonoteka/internal/volume"
)

const week = 7 * 24 * time.Hour

// past is a warehouse with a history, and a fault if it has one.
type past struct {
	last  map[string]time.Time
	hours []volume.CallsInHour
	state call.State // of the rows
	rows  []call.Notification

	mu  sync.Mutex
	err error
}

// fail sets the fault, nil for none.
func (p *past) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *past) fault() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *past) LastArrivals(context.Context, time.Time) (map[string]time.Time, error) {
	return p.last, p.fault()
}

func (p *past) CallsByHour(_ context.Context, from, to time.Time) (out []volume.CallsInHour, _ error) {
	for _, h := range p.hours {
		if !h.Hour.Before(from) && h.Hour.Before(to) {
			out = append(out, h)
		}
	}
	return out, p.fault()
}

func (p *past) RecentNotifications(_ context.Context, state string, _ time.Time, _ int) ([]call.Notification, error) {
	if state != string(p.state) {
		return nil, p.fault()
	}
	return p.rows, p.fault()
}

// decode reads a body that is nothing but a time.
func decode(integration string, body []byte, received time.Time) (call.Event, error) {
	var at time.Time
	err := json.Unmarshal(body, &at)
	return call.Event{Integration: integration, StartedAt: at, ReceivedAt: received}, err
}

// office has 60 calls an hour from Monday to Friday, 8 to 18 h, for some weeks.
func office(now time.Time, weeks int) (hours []volume.CallsInHour) {
	for h := now.Truncate(time.Hour).Add(-time.Duration(weeks) * week); h.Before(now); h = h.Add(time.Hour) {
		if d := h.Weekday(); d != time.Saturday && d != time.Sunday && h.Hour() >= 8 && h.Hour() < 18 {
			hours = append(hours, volume.CallsInHour{Integration: "main", Hour: h, Calls: 60})
		}
	}
	return hours
}

func at(s string) time.Time {
	v, err := time.Parse("2006-01-02 15:04:05", s)
	if err != nil {
		panic(err)
	}
	return v
}

func TestASilenceWeighsWhatUsuallyComesInIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		now, last string
		missing   float64
	}{
		"two hours of a Monday morning": {"2026-11-16 11:30:00", "2026-11-16 09:30:00", 120},
		"two hours of a Sunday":         {"2026-11-15 11:30:00", "2026-11-15 09:30:00", 0},
		"from Friday evening to Monday": {"2026-11-16 08:15:00", "2026-11-13 17:45:00", 30},
		"a moment":                      {"2026-11-16 11:30:00", "2026-11-16 11:29:30", 0.5},
		"three weeks count as one":      {"2026-11-16 11:30:00", "2026-10-26 11:30:00", 3000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := at(c.now)
			got, err := volume.Measure(t.Context(), &past{last: map[string]time.Time{"main": at(c.last)}, hours: office(now, 8)}, decode, now)
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			if want := now.Sub(at(c.last)); got[0].Silence != want {
				t.Errorf("silence is %v, want %v", got[0].Silence, want)
			}
			if !got[0].Learned || !cmp.Equal(got[0].Missing, c.missing, cmpopts.EquateApprox(0.001, 0.001)) {
				t.Errorf("missing %v calls (learned %v), want %v", got[0].Missing, got[0].Learned, c.missing)
			}
		})
	}
}

// The clock of a process has a zone of its own, while the warehouse speaks in UTC.
func TestAClockInAnyZoneFindsTheHistory(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var hours []volume.CallsInHour
	for h := now.UTC().Truncate(time.Hour).Add(-8 * week); h.Before(now); h = h.Add(time.Hour) {
		hours = append(hours, volume.CallsInHour{Integration: "main", Hour: h, Calls: 60})
	}
	p := &past{last: map[string]time.Time{"main": now.UTC().Add(-2 * time.Hour)}, hours: hours}
	kathmandu := time.FixedZone("", 5*3600+45*60)
	for name, clock := range map[string]time.Time{"the process's own": now, "UTC": now.UTC(), "Kathmandu": now.In(kathmandu)} {
		got, err := volume.Measure(t.Context(), p, decode, clock)
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		if s := got[0]; !cmp.Equal(s.Missing, 120.0, cmpopts.EquateApprox(0.001, 0)) || !cmp.Equal(s.Usual, 1440.0, cmpopts.EquateApprox(0.001, 0)) || s.Day < 1380 {
			t.Errorf("by %s clock %v calls are missing of %v usual, %v came; want 120, 1440 and about as many", name, s.Missing, s.Usual, s.Day)
		}
	}
}

func TestNothingIsUsualInTheFirstWeek(t *testing.T) {
	t.Parallel()
	now := at("2026-11-16 11:30:00")
	hours := office(now, 8)
	p := &past{last: map[string]time.Time{"main": now.Add(-time.Hour)}, hours: hours[len(hours)-20:]}
	got, err := volume.Measure(t.Context(), p, decode, now)
	if err != nil || len(got) != 1 || got[0].Learned || got[0].Missing != 0 || got[0].Usual != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestADayWithLittleOfTheUsualIsSeen(t *testing.T) {
	t.Parallel()
	now := at("2026-11-18 18:00:00") // Wednesday evening
	hours := office(now, 8)
	for i := len(hours) - 10; i < len(hours); i++ {
		hours[i].Calls = 6 // a tenth of what is usual, and no silence
	}
	got, err := volume.Measure(t.Context(), &past{last: map[string]time.Time{"main": now.Add(-time.Minute)}, hours: hours}, decode, now)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if got[0].Day != 60 || got[0].Usual != 600 {
		t.Errorf("a day of %v calls, usually %v; want 60 and 600", got[0].Day, got[0].Usual)
	}
}

func TestTheZoneIsMeasured(t *testing.T) {
	t.Parallel()
	received := at("2026-11-18 12:00:00")
	rows := func(n int, offset time.Duration, delays ...time.Duration) (out []call.Notification) {
		for i := range n {
			body, _ := json.Marshal(received.Add(-offset - delays[i%len(delays)]))
			out = append(out, call.Notification{Integration: "main", ReceivedAt: received, Body: body})
		}
		return append(out, call.Notification{Integration: "main", ReceivedAt: received, Body: []byte(`"no time"`)})
	}
	for name, c := range map[string]struct {
		rows []call.Notification
		want volume.Zone
	}{
		"right":                    {rows(20, 0, time.Second, 2*time.Second), volume.Zone{Known: true, Skew: 2 * time.Second}},
		"Moscow read as UTC":       {rows(20, -3*time.Hour, time.Second), volume.Zone{Known: true, Offset: -3 * time.Hour, Skew: time.Second}},
		"Kathmandu's three parts":  {rows(20, 5*time.Hour+45*time.Minute, time.Second), volume.Zone{Known: true, Offset: 5*time.Hour + 45*time.Minute, Skew: time.Second}},
		"five minutes of skew":     {rows(20, 0, 5*time.Minute), volume.Zone{Known: true, Skew: 5 * time.Minute}},
		"a few late ones":          {rows(20, 0, time.Second, time.Second, time.Second, time.Second, time.Hour), volume.Zone{Known: true, Skew: time.Second}},
		"after an outage":          {rows(20, 0, time.Minute, 20*time.Minute, 40*time.Minute, 80*time.Minute), volume.Zone{}},
		"too few to say anything":  {rows(9, -3*time.Hour, time.Second), volume.Zone{}},
		"nothing that can be read": {rows(0, 0), volume.Zone{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, state := range []call.State{call.Trying, call.Connected} {
				p := &past{last: map[string]time.Time{"main": received}, state: state, rows: c.rows}
				got, err := volume.Measure(t.Context(), p, decode, received)
				if err != nil || len(got) != 1 {
					t.Fatal(got, err)
				}
				if diff := cmp.Diff(c.want, got[0].Zone); diff != "" {
					t.Errorf("by %s: %s", state, diff)
				}
			}
		})
	}
}

func TestTheMetricsOutliveAFaultOfTheWarehouse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		p := &past{last: map[string]time.Time{"main": now.Add(-time.Hour)}, hours: office(now, 8)}
		var log strings.Builder
		reg := prometheus.NewPedanticRegistry()
		w, err := volume.New(volume.Options{Source: p, Decode: decode, Integrations: []string{"main", "mute"}, Registerer: reg, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		silent := func(want string) {
			t.Helper()
			synctest.Wait()
			text := "# HELP fonoteka_arrivals_silence_seconds Time since the last notification of a call.\n# TYPE fonoteka_arrivals_silence_seconds gauge\n" +
				`fonoteka_arrivals_silence_seconds{integration="main"} ` + want + "\n"
			if err := testutil.GatherAndCompare(reg, strings.NewReader(text), "fonoteka_arrivals_silence_seconds"); err != nil {
				t.Error(err)
			}
		}
		silent("3600")
		everyone := "# HELP fonoteka_arrivals_ever 1 if a call of the integration is known of the last weeks, 0 if none is: a wrong redirect URI from the first day on looks like that.\n# TYPE fonoteka_arrivals_ever gauge\n" +
			`fonoteka_arrivals_ever{integration="main"} 1` + "\n" + `fonoteka_arrivals_ever{integration="mute"} 0` + "\n"
		if err := testutil.GatherAndCompare(reg, strings.NewReader(everyone), "fonoteka_arrivals_ever"); err != nil {
			t.Error(err)
		}
		time.Sleep(30 * time.Second)
		silent("3630")
		p.fail(errors.New("gone"))
		time.Sleep(time.Hour)
		silent("3630")
		if n := strings.Count(log.String(), "stage failed"); n != 1 {
			t.Errorf("the fault was logged %d times", n)
		}
		p.fail(nil)
		time.Sleep(30 * time.Second)
		silent("7260")
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
