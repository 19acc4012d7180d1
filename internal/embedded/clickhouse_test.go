package embedded_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestClickHouseKeepsItsDataAcrossACleanStop(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	opts := clickhouseOptions(t)
	ch := start(t, opts)
	mustAsk(t, ch, "CREATE DATABASE d")
	mustAsk(t, ch, "CREATE TABLE d.t (a UInt64) ENGINE = MergeTree ORDER BY a")
	mustAsk(t, ch, "INSERT INTO d.t SELECT number FROM numbers(1000)")

	began := time.Now()
	if err := ch.Stop(context.Background()); err != nil {
		t.Fatalf("stop: %v", err)
	}
	t.Logf("stopped in %v", time.Since(began).Round(time.Millisecond))
	select {
	case <-ch.Done():
	default:
		t.Error("Done is open after Stop")
	}
	if err := ch.Err(); err != nil {
		t.Errorf("Err after a clean stop: %v", err)
	}
	if err := ch.Stop(context.Background()); err != nil {
		t.Errorf("a second stop: %v", err)
	}

	ch = start(t, opts)
	if got := mustAsk(t, ch, "SELECT count(), sum(a) FROM d.t"); got != "1000\t499500" {
		t.Errorf("after the restart: %q", got)
	}
	if err := ch.Stop(context.Background()); err != nil {
		t.Fatalf("stop: %v", err)
	}
}

// A service manager sends SIGTERM to every process of a service at once; the
// parent still has to flush into the engine.
func TestOnlyItsParentStopsTheEngine(t *testing.T) {
	t.Parallel()
	ch := start(t, clickhouseOptions(t))
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if err := syscall.Kill(ch.Pid(), sig); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		if got := mustAsk(t, ch, "SELECT 1"); got != "1" {
			t.Errorf("got %q", got)
		}
	}
}

// Stop waits as long as its context lets it.
func TestAStopEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ch := start(t, clickhouseOptions(t))
	if err := syscall.Kill(ch.Pid(), syscall.SIGSTOP); err != nil { // or it may end first
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := ch.Stop(ctx); err == nil {
		t.Error("a kill was not reported")
	}
	select {
	case <-ch.Done():
	default:
		t.Error("the engine is still there")
	}
}
