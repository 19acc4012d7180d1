package calls_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse/warehousetest"
)

func keyOf(r call.Record) call.GroupKey {
	return call.GroupKey{Integration: r.Integration, GroupID: r.GroupID}
}

func stored(t testing.TB, db *warehousetest.DB, r call.Record) []cdr.StoredCall {
	t.Helper()
	got, err := db.StoredCalls(t.Context(), []call.GroupKey{keyOf(r)})
	must(t, err)
	return got[keyOf(r)]
}

func TestRecordsComeBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	db := open(t)
	var writes []cdr.CallWrite
	var keys []call.GroupKey
	want := map[call.GroupKey][]cdr.StoredCall{}
	// One batch of many examples: a round trip for each would be all fsync.
	for seed := range 400 {
		r := anyRecord().Example(seed)
		if diff := cmp.Diff(r, cdr.Canonical(r), cmpopts.EquateEmpty(), cmpopts.SortSlices(legsByID)); diff != "" {
			t.Fatalf("the canonical form differs: %s", diff)
		}
		version := cdr.CallVersion(3, uint32(r.Events), 2)
		writes = append(writes, cdr.CallWrite{Record: r, Version: version})
		keys = append(keys, keyOf(r))
		want[keyOf(r)] = []cdr.StoredCall{{Record: cdr.Canonical(r), Version: version}}
	}
	must(t, db.WriteCalls(t.Context(), writes))
	got, err := db.StoredCalls(t.Context(), keys)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func legsByID(a, b call.Leg) bool { return a.ID < b.ID }

func TestCanonicalClampsWhatNoColumnHolds(t *testing.T) {
	t.Parallel()
	r := record(1, "2026-11-20 10:00:00", "79219462761")
	r.StartedAt = time.Date(1812, 9, 7, 0, 0, 0, 1, time.FixedZone("", 3600))
	r.EndedAt = time.Date(9999, 1, 1, 0, 0, 0, 999, time.UTC)
	r.Ring, r.RingKnown, r.Talk = -time.Second, true, 1000*24*time.Hour
	r.Wait = time.Second // not known: says nothing
	r.Transfers, r.Events = -1, 1<<40
	db := open(t)
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: r, Version: 1}}))
	want := []cdr.StoredCall{{Record: cdr.Canonical(r), Version: 1}}
	if diff := cmp.Diff(want, stored(t, db, r)); diff != "" {
		t.Error(diff)
	}
}

func TestCallWhoseStartMovesLeavesOneRow(t *testing.T) {
	t.Parallel()
	db := open(t)
	old := record(1, "2026-11-20 10:00:05", "79219462761")
	// Another month, another partition.
	moved := record(1, "2026-10-31 23:59:59", "79219462761")
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: old, Version: cdr.CallVersion(0, 1, 0)}}))
	v := cdr.CallVersion(0, 2, 0)

	// The new row without the old one's tombstone: as after a crash.
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: moved, Version: v}}))
	if got := stored(t, db, moved); len(got) != 2 {
		t.Fatalf("StoredCalls finds %d rows, want both", len(got))
	}
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{
		{Record: old, Version: v, Deleted: true}, {Record: moved, Version: v},
	}))
	for _, when := range []string{"unmerged", "merged"} {
		want := []cdr.StoredCall{{Record: cdr.Canonical(moved), Version: v}}
		if diff := cmp.Diff(want, stored(t, db, moved)); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
		for _, table := range []string{"calls", "legs", "calls_by_client"} {
			if got := ask(t, db, "SELECT count(), any(started_at) FROM "+table); got != "1\t2026-10-31 23:59:59.000" {
				t.Errorf("%s: %s has %s", when, table, got)
			}
		}
		for _, table := range []string{"calls", "legs", "calls_by_client"} {
			ask(t, db, "OPTIMIZE TABLE "+table+" FINAL")
		}
	}
}

func TestGoneLegsAndNumbersVanish(t *testing.T) {
	t.Parallel()
	db := open(t)
	before := record(1, "2026-11-20 10:00:05", "79219462761")
	before.Legs = append(before.Legs, call.Leg{ID: 99, PlatformID: "x~2o", Kind: call.Parking, StartedAt: before.StartedAt})
	after := record(1, "2026-11-20 10:00:05", "78124241500")
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: before, Version: 1}}))
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{
		Record: after, Version: 2, GoneLegs: before.Legs[1:], GoneNumbers: []string{before.ClientNumber.Digits},
	}}))
	want := []cdr.StoredCall{{Record: cdr.Canonical(after), Version: 2}}
	if diff := cmp.Diff(want, stored(t, db, after)); diff != "" {
		t.Error(diff)
	}
	if got := ask(t, db, "SELECT client_number FROM calls_by_client"); got != "78124241500" {
		t.Errorf("calls_by_client has %q", got)
	}
}

func TestOlderVersionChangesNothing(t *testing.T) {
	t.Parallel()
	db := open(t)
	newer, older := record(1, "2026-11-20 10:00:05", "79219462761"), record(1, "2026-11-20 10:00:05", "79219462761")
	newer.Events, older.Outcome = 4, call.NoAnswer
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: newer, Version: cdr.CallVersion(0, 4, 0)}}))
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: older, Version: cdr.CallVersion(0, 3, 9)}}))
	want := []cdr.StoredCall{{Record: cdr.Canonical(newer), Version: cdr.CallVersion(0, 4, 0)}}
	if diff := cmp.Diff(want, stored(t, db, newer)); diff != "" {
		t.Error(diff)
	}
}

func TestOpenCallsAreThoseWithoutAnEnd(t *testing.T) {
	t.Parallel()
	db := open(t)
	open := func(id uint64, start string) call.Record {
		r := record(id, start, "79219462761")
		r.EndedAt = time.Time{}
		return r
	}
	var writes []cdr.CallWrite
	for _, r := range []call.Record{
		open(1, "2026-11-20 10:00:00"), open(2, "2020-06-24 15:01:45"), open(3, "2026-11-20 12:00:00"),
		record(4, "2026-11-20 09:00:00", "79219462761"), open(5, "2026-11-20 09:30:00"), open(6, "2026-11-20 09:40:00"),
	} {
		writes = append(writes, cdr.CallWrite{Record: r, Version: 1})
	}
	must(t, db.WriteCalls(t.Context(), writes))
	// 5 ends, 6 is buried.
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{
		{Record: record(5, "2026-11-20 09:30:00", "79219462761"), Version: 2},
		{Record: open(6, "2026-11-20 09:40:00"), Version: 2, Deleted: true},
	}))
	got, err := db.OpenCalls(t.Context(), at("2026-11-20 12:00:00"), 10)
	must(t, err)
	if diff := cmp.Diff([]call.GroupKey{{Integration: "main", GroupID: 2}, {Integration: "main", GroupID: 1}}, got); diff != "" {
		t.Error(diff)
	}
	first, err := db.OpenCalls(t.Context(), at("2026-11-20 12:00:00"), 1)
	must(t, err)
	if diff := cmp.Diff([]call.GroupKey{{Integration: "main", GroupID: 2}}, first); diff != "" {
		t.Error(diff)
	}
}

func TestTheNewestCallsAreReadInOrder(t *testing.T) {
	t.Parallel()
	db := open(t)
	ask(t, db, `INSERT INTO calls (integration, call_id, group_id, started_at, version, is_deleted)
		SELECT 'main', number, number, toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalHour(number), 1, 0 FROM numbers(2500)`)
	const newest = "SELECT * FROM report_calls ORDER BY started_at DESC LIMIT 10"
	if plan := ask(t, db, "SELECT arrayStringConcat(groupArray(explain), '\\n') FROM (EXPLAIN actions = 1 "+newest+")"); !strings.Contains(plan, "Read type: InOrder") || !strings.Contains(plan, "Lazily read columns") {
		t.Errorf("all calls are looked at:\n%s", plan)
	}
	if got := ask(t, db, "SELECT groupArray(call_id) FROM ("+newest+")"); got != "[2499,2498,2497,2496,2495,2494,2493,2492,2491,2490]" {
		t.Errorf("got %s", got)
	}
}
