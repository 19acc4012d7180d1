package main

import (
	"fmt"
	"testing"
	"time"

	"fonoteka/internal/embedded"
	"fonoteka/internal/sim"
	"fonoteka/internal/warehouse"
)

// BenchmarkSpoolToCallsAtSize relays and derives notifications into an empty
// warehouse and into one that holds what the installation of -size holds, by
// turns and in the same engine. The parts of the installation are attached to
// the second one (hard links), so that the installation itself stays as it is.
func BenchmarkSpoolToCallsAtSize(b *testing.B) {
	if *sizeLarge == "" {
		b.Skip("-size names no installation; make bench does")
	}
	const calls = 5000
	now := time.Now()
	s, err := sim.New(sim.Options{Seed: 1, Calls: calls, Start: now, Since: now.AddDate(0, 0, -14)})
	if err != nil {
		b.Fatal(err)
	}
	bodies := s.Notifications()
	o := engineAtSize(b)
	for b.Loop() {
		empty, name := newDatabase(b, o)
		bare := relayAndDerive(b, empty, bodies, calls)
		changeAt(b, o.HTTPAddr, o.User, o.Password, "DROP DATABASE "+name)
		full, name := newDatabase(b, o)
		for _, table := range []string{"events", "call_keys", "legs", "calls_by_client", "recordings", "calls"} {
			changeAt(b, o.HTTPAddr, o.User, o.Password, fmt.Sprintf("ALTER TABLE %s.%s ATTACH PARTITION ALL FROM fonoteka.%[2]s", name, table))
		}
		laden := relayAndDerive(b, full, bodies, calls)
		changeAt(b, o.HTTPAddr, o.User, o.Password, "DROP DATABASE "+name)
		b.ReportMetric(float64(len(bodies))/bare.Seconds(), "empty-events/s")
		b.ReportMetric(float64(len(bodies))/laden.Seconds(), "full-events/s")
		b.ReportMetric(laden.Seconds()/bare.Seconds(), "times-slower")
	}
}

// engineAtSize reaches the engine of -size.
func engineAtSize(b *testing.B) warehouse.Options {
	b.Helper()
	cache, err := embedded.DefaultCacheDir()
	if err != nil {
		b.Fatal(err)
	}
	cfg := &config{data: *sizeLarge, engineCache: cache}
	values, stop, err := cfg.reach(b.Context(), []embedded.Store{embedded.StoreClickHouse})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := stop(); err != nil {
			b.Error(err)
		}
	})
	o, err := cfg.warehouseOptions(values, false)
	if err != nil {
		b.Fatal(err)
	}
	return o
}
