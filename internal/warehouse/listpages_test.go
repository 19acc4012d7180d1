package warehouse_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/audit"
	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/trails"
)

// inPages reads a list page by page.
func inPages[T any](t *testing.T, size int, page func(limit int, after *T) ([]T, error)) (all []T) {
	t.Helper()
	var last *T
	for {
		rows, err := page(size, last)
		must(t, err)
		all = append(all, rows...)
		if len(rows) < size {
			return all
		}
		last = &rows[len(rows)-1]
	}
}

// Pages of any size make up the whole list, also where many rows bear one time and
// where years lie between two.
func TestPagesOfListsAreTheList(t *testing.T) {
	t.Parallel()
	db := open(t)
	var writes []cdr.CallWrite
	var recordings []call.Recording
	var rows []audit.Row
	for i := range 30 {
		began := "2026-11-20 10:00:00"
		if i < 7 {
			began = fmt.Sprintf("201%d-05-05 10:00:00", i)
		}
		writes = append(writes, cdr.CallWrite{Record: record(uint64(i+1), began, "78124241500"), Version: 1})
		recordings = append(recordings, recording(fmt.Sprint(i), at("2026-11-20 10:00:00").Add(time.Duration(i/10)*time.Millisecond)))
		rows = append(rows, audit.Row{
			Version: 1, Writer: "w" + fmt.Sprint(i%3), Seq: uint64(i/3) + 1, At: at("2026-11-20 10:00:00").Add(time.Duration(i/15) * time.Millisecond),
			Entry: audit.Entry{Actor: "anna", Action: "call.make", Outcome: audit.Done}, Hash: fmt.Sprint("h", i),
		})
	}
	must(t, db.WriteCalls(t.Context(), writes))
	must(t, db.AnnounceRecordings(t.Context(), recordings))
	must(t, db.InsertAudit(t.Context(), rows))
	allCalls, err := db.ListCalls(t.Context(), calls.Filter{Limit: 100})
	must(t, err)
	allRecordings, err := db.ListRecordings(t.Context(), catalogue.Filter{Limit: 100})
	must(t, err)
	allRows, err := db.ListAudit(t.Context(), trails.Filter{Limit: 100})
	must(t, err)
	if len(allCalls) != 30 || len(allRecordings) != 30 || len(allRows) != 30 {
		t.Fatalf("%d calls, %d recordings, %d entries; want 30 each", len(allCalls), len(allRecordings), len(allRows))
	}
	for _, size := range []int{1, 4, 10, 29, 30, 31} {
		got := inPages(t, size, func(limit int, after *call.Record) ([]call.Record, error) {
			return db.ListCalls(t.Context(), calls.Filter{Limit: limit, After: after})
		})
		if diff := cmp.Diff(allCalls, got); diff != "" {
			t.Errorf("calls by %d: %s", size, diff)
		}
		gotRecordings := inPages(t, size, func(limit int, after *catalogue.Row) ([]catalogue.Row, error) {
			return db.ListRecordings(t.Context(), catalogue.Filter{Limit: limit, After: after})
		})
		if diff := cmp.Diff(allRecordings, gotRecordings); diff != "" {
			t.Errorf("recordings by %d: %s", size, diff)
		}
		gotRows := inPages(t, size, func(limit int, after *audit.Row) ([]audit.Row, error) {
			return db.ListAudit(t.Context(), trails.Filter{Limit: limit, After: after})
		})
		if diff := cmp.Diff(allRows, gotRows); diff != "" {
			t.Errorf("audit by %d: %s", size, diff)
		}
	}
	for name, count := range map[string]func() (uint64, error){
		"calls": func() (uint64, error) {
			return db.CountCalls(t.Context(), calls.Filter{From: at("2015-01-01 00:00:00")})
		},
		"recordings": func() (uint64, error) {
			return db.CountRecordings(t.Context(), catalogue.Filter{From: at("2026-11-20 10:00:00"), To: at("2026-11-20 10:00:00").Add(time.Millisecond)})
		},
		"audit": func() (uint64, error) { return db.CountAudit(t.Context(), trails.Filter{Action: "call"}) },
	} {
		want := map[string]uint64{"calls": 25, "recordings": 10, "audit": 30}[name]
		if n, err := count(); err != nil || n != want {
			t.Errorf("%d %s, %v; want %d", n, name, err, want)
		}
	}
}
