package fetch_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fonoteka/internal/fetch"
	"fonoteka/internal/hours"
)

func TestBandwidthFollowsTheWorkingHours(t *testing.T) {
	t.Parallel()
	const all, working = 20_000_000, 2_000_000
	moscow := time.FixedZone("MSK", 3*3600)
	for _, c := range []struct {
		hours string
		at    time.Time
		want  int64
	}{
		{"Mon-Fri 09:00-18:00 Europe/Moscow", time.Date(2026, 3, 2, 9, 0, 0, 0, moscow), working}, // a Monday
		{"Mon-Fri 09:00-18:00 Europe/Moscow", time.Date(2026, 3, 2, 8, 59, 59, 0, moscow), all},
		{"Mon-Fri 09:00-18:00 Europe/Moscow", time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC), working},
		{"Mon-Fri 09:00-18:00 Europe/Moscow", time.Date(2026, 3, 2, 17, 59, 59, 0, moscow), working},
		{"Mon-Fri 09:00-18:00 Europe/Moscow", time.Date(2026, 3, 2, 18, 0, 0, 0, moscow), all},
		{"Mon-Fri 09:00-18:00 Europe/Moscow", time.Date(2026, 3, 7, 12, 0, 0, 0, moscow), all}, // Saturday
		{"Mon-Fri 09:00-18:00", time.Date(2026, 3, 2, 17, 0, 0, 0, moscow), working},           // 14:00 UTC
		{"mon,Wed-thu 00:00-24:00 UTC", time.Date(2026, 3, 4, 23, 59, 59, 0, time.UTC), working},
		{"mon,Wed-thu 00:00-24:00 UTC", time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC), all},
		{"Fri 22:00-06:00", time.Date(2026, 3, 6, 23, 0, 0, 0, time.UTC), working},
		{"Fri 22:00-06:00", time.Date(2026, 3, 7, 5, 0, 0, 0, time.UTC), working}, // Friday's night
		{"Fri 22:00-06:00", time.Date(2026, 3, 6, 5, 0, 0, 0, time.UTC), all},
		{"Sat-Mon 10:00-11:00", time.Date(2026, 3, 8, 10, 30, 0, 0, time.UTC), working},
		{"Sun 02:00-04:00 Europe/Berlin", time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC), working}, // 03:30, the clock has just sprung
	} {
		h, err := hours.Parse(c.hours, time.UTC)
		if err != nil {
			t.Errorf("%s: %v", c.hours, err)
			continue
		}
		if got := (fetch.Bandwidth{Limit: all, Working: working, Hours: h}).At(c.at); got != c.want {
			t.Errorf("%s at %v: %d, want %d", c.hours, c.at, got, c.want)
		}
		if got := (fetch.Bandwidth{Limit: all, Hours: h}).At(c.at); got != all {
			t.Errorf("without a limit of their own: %d", got)
		}
	}
	if got := (fetch.Bandwidth{Working: working}).At(time.Now()); got != 0 {
		t.Errorf("no hours: %d", got)
	}
}

// Downloads that are under way get slower as the working hours begin, and faster
// as they end.
func TestBandwidthChangesWhileDownloadsRun(t *testing.T) {
	t.Parallel()
	const working, unlimited = 100_000, 4 * 10_000_000 // what is asked for below
	for name, limit := range map[string]int64{"limited outside": 1_000_000, "not limited outside": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // from midnight UTC on, on a Saturday
				minute, err := hours.Parse("Sat 00:01-00:02", time.UTC)
				if err != nil {
					t.Fatal(err)
				}
				throttle := fetch.NewThrottle(fetch.Bandwidth{Limit: limit, Working: working, Hours: minute}, time.Now)
				ctx, cancel := context.WithCancel(t.Context())
				var paid atomic.Int64
				var all sync.WaitGroup
				for range 4 {
					all.Go(func() {
						for fetch.Wait(throttle, ctx, 10_000) == nil {
							paid.Add(10_000)
							time.Sleep(time.Millisecond)
						}
					})
				}
				outside := limit
				if limit == 0 {
					outside = unlimited
				}
				for n, want := range []int64{outside, working, outside} {
					time.Sleep(5 * time.Second)
					before := paid.Load()
					time.Sleep(50 * time.Second)
					if got := (paid.Load() - before) / 50; got < want*9/10 || got > want*11/10 {
						t.Errorf("minute %d: %d bytes a second, want %d", n, got, want)
					}
					time.Sleep(5 * time.Second)
				}
				cancel()
				all.Wait()
			})
		})
	}
}

func TestMistakesInLimitsAreReported(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "Mon", "Mon 9-18", "Mon-Fri 09:00", "Mon 09:00-25:00", "Mon 09:60-10:00", "Mon 09:00-09:00", "Foo 09:00-10:00", "Mon 09:00-10:00 Mars/Olympus", "Mon 09:00-10:00 UTC x"} {
		if h, err := hours.Parse(s, time.UTC); err == nil {
			t.Errorf("%q is %+v", s, h)
		}
	}
	for s, want := range map[string]int64{"20MB/s": 20e6, "500 kB/s": 500e3, "1.5MiB/s": 1.5 * (1 << 20), "7B/s": 7, " 1GB/s ": 1e9} {
		if got, err := fetch.ParseRate(s); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", s, got, err, want)
		}
	}
	for s, want := range map[string]int64{"1GiB": 1 << 30, "500 MB": 500e6, " 0.5MiB ": 1 << 19} {
		if got, err := fetch.ParseSize(s); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "20", "20Mb", "20MB/s", "-1MB", "0MB", "1e30GB", "GiB"} {
		if got, err := fetch.ParseSize(s); err == nil {
			t.Errorf("%q is %d", s, got)
		}
	}
	for _, s := range []string{"", "20", "20MB", "20Mbit/s", "-1MB/s", "0MB/s", "1e30GB/s", "NaNMB/s", "MB/s"} {
		if got, err := fetch.ParseRate(s); err == nil {
			t.Errorf("%q is %d", s, got)
		}
	}
}
