package system

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/mtt"
	"fonoteka/internal/relay"
	"fonoteka/internal/sim"
	"fonoteka/internal/spool"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
)

// benchIntegration has no calls of before.
const benchIntegration = "bench"

// BenchmarkSpoolToCalls relays and derives notifications, and beside it inserts
// the same rows of events plainly, in the same batches and as durably. The
// ratio is what relaying and deriving cost: 1 would be nothing.
func BenchmarkSpoolToCalls(b *testing.B) {
	const calls = 20_000
	now := time.Now()
	s, err := sim.New(sim.Options{Seed: 1, Calls: calls, Start: now, Since: now.AddDate(0, 0, -14)})
	if err != nil {
		b.Fatal(err)
	}
	bodies := s.Notifications()
	for b.Loop() {
		db, _ := benchWarehouse(b)
		own, engine := processorTime()
		relayed := relayAndDerive(b, db, bodies)
		ownAfter, engineAfter := processorTime()
		b.ReportMetric(float64((ownAfter-own).Microseconds())/float64(len(bodies)), "own-µs/event")
		b.ReportMetric(float64((engineAfter-engine).Microseconds())/float64(len(bodies)), "engine-µs/event")
		plain := insertPlainly(b, bodies)
		b.ReportMetric(float64(len(bodies))/relayed.Seconds(), "relayed-events/s")
		b.ReportMetric(float64(len(bodies))/plain.Seconds(), "plain-events/s")
		b.ReportMetric(plain.Seconds()/relayed.Seconds(), "ratio")
	}
}

// decode reads a notification of an integration that is in no other zone.
func decode(integration string, body []byte, received time.Time) (call.Event, error) {
	return mtt.Decode(body, mtt.Context{Integration: integration, ReceivedAt: received, Zone: time.UTC})
}

func linkLife(string) time.Duration { return 90 * oneDay }

func rules(string) call.Rules { return call.Rules{AbandonAfter: 5 * time.Second} }

// benchWarehouse is a database of its own, and its name.
func benchWarehouse(b testing.TB) (*warehouse.DB, string) {
	b.Helper()
	native, http, user, password := embeddedtest.ClickHouse(b)
	return newDatabase(b, warehouse.Options{Addrs: []string{native}, HTTPAddr: http, User: user, Password: password})
}

func newDatabase(b testing.TB, o warehouse.Options) (*warehouse.DB, string) {
	b.Helper()
	name := fmt.Sprintf("bench_%d", time.Now().UnixNano())
	o.Database, o.Log = name, slog.New(slog.DiscardHandler)
	o.DictionaryUser, o.DictionaryPassword = "", "" // of an installation: it may read that one's database only
	db, err := warehouse.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(b.Context(), func(warehouse.Migration) {}); err != nil {
		b.Fatal(err)
	}
	return db, name
}

func relayAndDerive(b testing.TB, db *warehouse.DB, bodies [][]byte) time.Duration {
	b.Helper()
	sp, err := spool.Open(spool.Options{Dir: filepath.Join(b.TempDir(), "spool"), Cursors: []string{relay.WarehouseCursor}})
	if err != nil {
		b.Fatal(err)
	}
	defer sp.Close()
	fill(b, sp, bodies)
	notifications := relay.NewNotifications(nil, benchIntegration)
	log := slog.New(slog.DiscardHandler)
	rows := &relay.ToWarehouse{
		Warehouse: calls.New(db), Catalogue: catalogue.New(db), LinkLife: linkLife, Log: log, Counter: notifications,
		Decode: func(body []byte, r spool.Record) (call.Event, error) {
			return decode(r.Integration, body, r.ReceivedAt)
		},
	}
	toWarehouse, err := relay.New(relay.Options{
		Cursor: warehouseCursor, Source: sp, Sink: rows.Sink, Refused: warehouse.IsRefusal, SetAside: rows.SetAside, Log: log,
	})
	if err != nil {
		b.Fatal(err)
	}
	d, err := cdr.New(cdr.Options{Store: calls.New(db), Decode: decode, Rules: rules, Every: 50 * time.Millisecond, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{}, 2)
	want, calls := ofCalls(b, bodies)
	began := time.Now()
	go func() { _ = toWarehouse.Run(ctx); done <- struct{}{} }()
	go func() { _ = d.Run(ctx); done <- struct{}{} }()
	for derived := 0; derived < want; time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > 10*time.Minute {
			b.Fatalf("%d of %d notifications are in calls after ten minutes", derived, want)
		}
		at, err := sp.Cursor(relay.WarehouseCursor)
		if err != nil || at < uint64(len(bodies)) {
			continue
		}
		if callsHave(b, db, "count() FROM calls") >= calls { // a cheap question, until there is a row for each
			derived = callsHave(b, db, "sum(events) FROM calls FINAL")
		}
	}
	took := time.Since(began)
	cancel()
	<-done
	<-done
	return took
}

// callsHave asks for a number of the calls of benchIntegration.
func callsHave(b testing.TB, db *warehouse.DB, what string) (n int) {
	b.Helper()
	var answer bytes.Buffer
	if err := db.QueryFormat(b.Context(), &answer, "SELECT "+what+" WHERE integration = '"+benchIntegration+"' AND started_at > now() - INTERVAL 15 DAY", "TSV"); err != nil {
		b.Fatal(err)
	}
	_, _ = fmt.Sscan(answer.String(), &n)
	return n
}

// ofCalls is how many of the notifications calls are made of, and how many Call-IDs
// they name, each a call at least.
func ofCalls(b testing.TB, bodies [][]byte) (n, calls int) {
	b.Helper()
	groups := map[uint64]bool{}
	for _, body := range bodies {
		e, err := decode(benchIntegration, body, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		if e.GroupID() != 0 && e.Kind == call.KindCall {
			groups[e.GroupID()] = true
			n++
		}
	}
	return n, len(groups)
}

func fill(b testing.TB, sp *spool.Spool, bodies [][]byte) {
	b.Helper()
	const writers = 64
	failed := make(chan error, writers)
	for w := range writers {
		go func() {
			for i := w; i < len(bodies); i += writers {
				if _, err := sp.Append(b.Context(), spool.Record{Integration: benchIntegration, ContentType: "application/json", Body: bodies[i]}); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range writers {
		if err := <-failed; err != nil {
			b.Fatal(err)
		}
	}
}

func insertPlainly(b *testing.B, bodies [][]byte) time.Duration {
	b.Helper()
	db, _ := benchWarehouse(b)
	var rows []call.Notification
	for _, body := range bodies {
		e, err := decode(benchIntegration, body, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		rows = append(rows, call.Notification{Integration: benchIntegration, GroupID: e.GroupID(), EventID: e.ID, ReceivedAt: e.ReceivedAt, Kind: e.Kind, State: string(e.State), Body: body})
	}
	began := time.Now()
	for batch := range slices.Chunk(rows, relay.DefaultMaxRecords) {
		if err := calls.New(db).InsertEvents(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began)
}
