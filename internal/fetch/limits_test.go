package fetch_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fonoteka/internal/fetch"
)

// TestLimitsHoldAndWaitingIsNoFault: waiting for our own limits takes
// longer here than the server may.
func TestLimitsHoldAndWaitingIsNoFault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set     func(*fetch.Options)
		size, n int
		atLeast time.Duration
		most    int32 // requests at once
	}{
		"downloads at once":     {func(o *fetch.Options) { o.PerHostDownloads = 2 }, 100, 30, 0, 2},
		"requests a second":     {func(o *fetch.Options) { o.PerHostRate = 12 }, 100, 24, 1800 * time.Millisecond, 24},
		"bandwidth":             {func(o *fetch.Options) { o.Bandwidth.Limit = 1 << 20 }, 256 << 10, 6, 1200 * time.Millisecond, 6},
		"bandwidth while open":  {func(o *fetch.Options) { o.Bandwidth.Limit = 1 << 20 }, 2 << 20, 1, 1800 * time.Millisecond, 1},
		"none, for comparison":  {func(*fetch.Options) {}, 100, 24, 0, 24},
		"one after the other":   {func(o *fetch.Options) { o.PerHostDownloads = 1 }, 100, 10, 0, 1},
		"both limits of a host": {func(o *fetch.Options) { o.PerHostDownloads, o.PerHostRate = 1, 50 }, 100, 12, 130 * time.Millisecond, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var now, most atomic.Int32
			body := make([]byte, c.size)
			o := newOrigin(t, func(w http.ResponseWriter, _ *http.Request) {
				n := now.Add(1)
				defer now.Add(-1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				w.Write(body)
			})
			fo := fetch.Options{
				Hosts: hosts(t, o.Addr()), TempDir: t.TempDir(), Memory: 128 << 10,
				IdleTimeout: time.Second, TotalTimeout: time.Second,
			}
			if c.atLeast == 0 { // only waiting is under test
				fo.IdleTimeout, fo.TotalTimeout = time.Minute, time.Minute
			}
			c.set(&fo)
			f, err := fetch.New(fo)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			start := time.Now()
			var wg sync.WaitGroup
			for range c.n {
				wg.Go(func() {
					b, err := f.Fetch(t.Context(), "main", o.URL+"/a.mp3")
					if err != nil {
						t.Error(err)
						return
					}
					b.Close()
				})
			}
			wg.Wait()
			if took := time.Since(start); took < c.atLeast {
				t.Errorf("took %v, want at least %v", took, c.atLeast)
			}
			if most.Load() > c.most {
				t.Errorf("%d at once, the limit is %d", most.Load(), c.most)
			}
		})
	}
}

// A limiter says beforehand that a deadline comes first; the server is not to blame.
func TestOurOwnLimitIsNoFailureOfTheServer(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*fetch.Options){
		"bandwidth":         func(o *fetch.Options) { o.Bandwidth.Limit = 100 << 10 },
		"requests a second": func(o *fetch.Options) { o.PerHostRate = 0.1 },
	} {
		r := newRig(t, serve(make([]byte, 2<<20)), func(o *fetch.Options, _ string) { set(o) })
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		var err error
		for range 3 { // the first request is free
			if _, err = r.Fetch(ctx, "main", r.origin.URL+"/a.mp3"); err != nil {
				break
			}
		}
		var f *fetch.Failure
		if errors.As(err, &f) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
