package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// told is what workers note of their ends, in order.
type told struct {
	mu    sync.Mutex
	lines []string
}

// worker ends so long after it was told to.
func (n *told) worker(name string, takes time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		n.note(name + " is told to stop")
		time.Sleep(takes)
		n.note(name + " has stopped")
		return nil
	}
}

func (n *told) note(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

// What comes in stops first, and what everything stands on last: no stage is told to
// stop before the one above it has wholly stopped.
func TestStagesStopOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n told
		all := stages{log: slog.New(slog.DiscardHandler)}
		all.add("listener", n.worker("listener", 3*time.Second))
		all.add("relays", n.worker("rows", 2*time.Second), n.worker("jobs", time.Second))
		all.add("stores", n.worker("stores", 0))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := all.run(ctx); err != nil {
			t.Error(err)
		}
		slices.Sort(n.lines[2:4]) // both relays are told at once
		want := []string{
			"listener is told to stop", "listener has stopped",
			"jobs is told to stop", "rows is told to stop", "jobs has stopped", "rows has stopped",
			"stores is told to stop", "stores has stopped",
		}
		if diff := cmp.Diff(want, n.lines); diff != "" {
			t.Error(diff)
		}
	})
}

// The order of serve's own stages, for the reasons that each pair has.
func TestServeStopsWhatTakesInFirstAndTheStoresLast(t *testing.T) {
	t.Parallel()
	d, _ := wired(t)
	for i := range d.listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		d.listeners[i] = l
	}
	d.private = privateServer(http.NotFoundHandler(), d.log)
	var names []string
	for _, s := range d.stages().list {
		names = append(names, s.name)
	}
	for _, c := range []struct{ first, then, why string }{
		{"public listener", "relays", "what was taken last is relayed still"},
		{"queue", "catalogue", "a recording that was stored last gets its row"},
		{"relays", "spool upkeep", "a relay moves its cursor with its last batch"},
		{"relays", "connections", "the last batch is written"},
		{"deriver and planner", "connections", "a page of CDRs is finished"},
		{"directory, links and audit", "connections", "the audit's entries reach their table"},
		{"catalogue", "connections", "its rows are written in groups"},
		{"queue", "tokens", "a download may need one"},
		{"relays", "private listener", "how far a stop has come can be seen"},
		{"private listener", "connections", "it answers from the warehouse"},
		{"connections", "embedded stores", "the engine breaks off what runs when it ends"},
	} {
		a, b := slices.Index(names, c.first), slices.Index(names, c.then)
		if a < 0 || b < 0 || a > b {
			t.Errorf("%q stops after %q, but %s: %q", c.first, c.then, c.why, names)
		}
	}
	if names[0] != "public listener" || names[len(names)-1] != "embedded stores" {
		t.Errorf("the order is %q", names)
	}
}

func TestAStageThatEndsByItselfStopsTheOthers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"with an error": {errors.New("out of disk"), "relays: out of disk"},
		"without one":   {nil, "relays: ended by itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var n told
				all := stages{log: slog.New(slog.DiscardHandler)}
				all.add("listener", n.worker("listener", 0))
				all.add("relays", func(context.Context) error { time.Sleep(time.Second); return c.err })
				all.add("stores", n.worker("stores", 0))
				if err := all.run(t.Context()); err == nil || err.Error() != c.want {
					t.Errorf("run = %v, want %s", err, c.want)
				}
				if got := strings.Join(n.lines, ", "); got != "listener is told to stop, listener has stopped, stores is told to stop, stores has stopped" {
					t.Errorf("they stopped so: %s", got)
				}
			})
		})
	}
}

// An error on the way down is logged, and is not what serve ends with.
func TestAStageThatStopsBadlyIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said []string
		log := slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
			said = append(said, string(b))
			return len(b), nil
		}), nil))
		all := stages{log: log}
		all.add("relays", func(ctx context.Context) error { <-ctx.Done(); return errors.New("the last batch is not written") })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := all.run(ctx); err != nil {
			t.Error(err)
		}
		if text := strings.Join(said, ""); !strings.Contains(text, "stopped badly") || !strings.Contains(text, "stage=relays") || !strings.Contains(text, "the last batch") {
			t.Errorf("logged: %s", text)
		}
	})
}
