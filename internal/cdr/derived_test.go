package cdr_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/mtt"
)

// What the server will never take of one call's recordings holds up no other call.
func TestARefusalOfWhoHearsOfCDRsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	db := openWarehouse(t)
	named := func(id, state, more string) string {
		return strings.Replace(notification(state, "10:00:00", more), "c1~2o", id+"~2o", 1)
	}
	reg := prometheus.NewRegistry()
	d, err := cdr.New(cdr.Options{
		Store: db,
		Decode: func(integration string, body []byte, received time.Time) (call.Event, error) {
			return mtt.Decode(body, mtt.Context{Integration: integration, ReceivedAt: received})
		},
		Derived: func(_ context.Context, records []call.Record) error {
			for _, r := range records {
				if r.GroupID == call.ID("main", "bad") {
					return fmt.Errorf("judge: %w", &clickhouse.Exception{Code: 53, Name: "TYPE_MISMATCH"})
				}
			}
			return nil
		},
		Every: 20 * time.Millisecond, Log: slog.New(slog.DiscardHandler), Registerer: reg,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = d.Run(t.Context()) }()
	told := func(ids ...string) {
		t.Helper()
		var keys []call.GroupKey
		for _, id := range ids {
			link := `,"accountId":"883140777828301","urlRecord":"https://mtt.ru/records/1/2026/03/02/` + id + `.mp3"`
			insert(t, db, time.Now().UTC(), named(id, "connected", ""), named(id, "recorded", link))
			keys = append(keys, call.GroupKey{Integration: "main", GroupID: call.ID("main", id)})
		}
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			stored, err := db.StoredCalls(t.Context(), keys)
			if err != nil {
				t.Fatal(err)
			}
			if len(stored) == len(keys) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d of %v are derived", len(stored), ids)
			}
		}
	}
	told("bad", "good")
	told("later")
	for deadline := time.Now().Add(20 * time.Second); counted(t, reg, "fonoteka_cdr_skipped_total") == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the refusal was not counted")
		}
	}
}
