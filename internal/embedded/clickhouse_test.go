package embedded_test

import (
	"context"
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
