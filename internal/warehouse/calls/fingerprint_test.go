package calls_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
)

var all = cdr.Range{Integration: "main", To: math.MaxUint64}

func TestFingerprintsAreTheSameOnBothSides(t *testing.T) {
	t.Parallel()
	db := open(t)
	var writes []cdr.CallWrite
	want := map[string][]call.Record{}
	for seed := range 400 {
		r := cdr.Canonical(anyRecord().Example(seed))
		writes = append(writes, cdr.CallWrite{Record: r, Version: uint64(seed)})
		want[r.Integration] = append(want[r.Integration], r)
	}
	must(t, db.WriteCalls(t.Context(), writes))
	for integration, records := range want {
		slices.SortFunc(records, func(a, b call.Record) int { return cmp.Compare(a.CallID, b.CallID) })
		got, err := db.Fingerprints(t.Context(), cdr.Range{Integration: integration, To: math.MaxUint64})
		must(t, err)
		if len(got) != len(records) {
			t.Fatalf("%d fingerprints of %d calls", len(got), len(records))
		}
		for i, r := range records {
			if want := db.FingerprintOf(r); got[i] != want {
				t.Errorf("stored %+v, derived %+v: %+v", got[i], want, r)
			}
		}
	}
}

// Whatever is changed in a row of any of the tables, the fingerprint knows.
func TestFingerprintsShowEveryChange(t *testing.T) {
	t.Parallel()
	db := open(t)
	columns := triples(ask(t, db, `SELECT table, name, replaceAll(type, '\'', '') FROM system.columns
		WHERE database = currentDatabase() AND table IN ('calls', 'legs', 'calls_by_client')
		AND NOT is_in_sorting_key AND name NOT IN ('version', 'is_deleted') FORMAT Values`))
	if len(columns) < 40 {
		t.Fatalf("only %d columns", len(columns))
	}
	var writes []cdr.CallWrite
	for i := range columns {
		writes = append(writes, cdr.CallWrite{Record: cdr.Canonical(record(uint64(i+1), "2026-11-20 10:00:00", "79219462761")), Version: 1})
	}
	must(t, db.WriteCalls(t.Context(), writes))
	for i, c := range columns { // one call for each column
		table, name := c[0], c[1]
		value := name + " + 1"
		switch kind := c[2]; {
		case strings.Contains(kind, "DateTime"):
			value = "ifNull(" + name + ", toDateTime64('2026-01-01', 3)) + 1"
		case strings.HasPrefix(kind, "Nullable"):
			value = "ifNull(" + name + ", 0) + 1"
		case strings.HasPrefix(kind, "Array"):
			value = "['x']"
		case strings.Contains(kind, "String"):
			value = "'x'"
		case kind == "Bool":
			value = "NOT " + name
		}
		must(t, db.Exec(t.Context(), fmt.Sprintf("INSERT INTO %[1]s SELECT * REPLACE (2 AS version, %[2]s AS %[3]s) FROM %[1]s FINAL WHERE call_id = %[4]d", table, value, name, i+1)))
	}
	got, err := db.Fingerprints(t.Context(), all)
	must(t, err)
	for i, c := range columns {
		want := db.FingerprintOf(writes[i].Record)
		if inList := c[0] == "calls_by_client"; (got[i].Rows == want.Rows) != inList || (got[i].Clients != want.Clients) != inList {
			t.Errorf("%s.%s changed: stored %+v, derived %+v", c[0], c[1], got[i], want)
		}
	}
}

// triples reads ('a','b','c'),('d','e','f').
func triples(values string) (out [][3]string) {
	var words []string
	word, in := "", false
	for _, c := range values {
		switch {
		case c == '\'':
			if in {
				words = append(words, word)
			}
			word, in = "", !in
		case in:
			word += string(c)
		}
	}
	for three := range slices.Chunk(words, 3) {
		out = append(out, [3]string(three))
	}
	return out
}

func TestEachCallIsReadWholeAndInOrder(t *testing.T) {
	t.Parallel()
	db := open(t)
	now := at("2026-11-20 10:00:00")
	var rows []call.Notification
	for id := range uint64(50) {
		for n := range id%4 + 1 {
			rows = append(rows, call.Notification{Integration: "main", GroupID: (id + 1) << 58, EventID: n, ReceivedAt: now.Add(time.Second), Kind: call.KindCall, Body: fmt.Append(nil, n)})
		}
	}
	rows = append(rows, call.Notification{Integration: "main", ReceivedAt: now, Kind: call.KindDirectory}, call.Notification{Integration: "other", GroupID: 1, ReceivedAt: now, Kind: call.KindCall})
	must(t, db.InsertEvents(t.Context(), rows))
	for i := range rows {
		rows[i].ReceivedAt = now // an earlier delivery of each, in a part of its own
	}
	must(t, db.InsertEvents(t.Context(), rows))
	var last uint64
	count := map[uint64]int{}
	read := func(in cdr.Range) {
		must(t, db.EachCall(t.Context(), in, func(group uint64, events []cdr.StoredEvent) error {
			if group <= last {
				t.Errorf("call %d after %d", group, last)
			}
			last = group
			count[group] = len(events)
			for i, e := range events {
				if e.ID != uint64(i) || !e.ReceivedAt.Equal(now) || string(e.Body) != fmt.Sprint(i) {
					t.Errorf("call %d: event %+v", group, e)
				}
			}
			return nil
		}))
	}
	read(cdr.Range{Integration: "main", To: 20<<58 - 1})
	read(cdr.Range{Integration: "main", From: 20 << 58, To: math.MaxUint64})
	want := map[uint64]int{}
	for _, r := range rows {
		if r.Integration == "main" && r.GroupID != 0 {
			want[r.GroupID] = max(want[r.GroupID], int(r.EventID)+1)
		}
	}
	if len(count) != len(want) {
		t.Errorf("%d calls of %d", len(count), len(want))
	}
	for id, n := range want {
		if count[id] != n {
			t.Errorf("call %d: %d events of %d", id, count[id], n)
		}
	}
}

func TestLostKeysAreMended(t *testing.T) {
	t.Parallel()
	db := open(t)
	r := cdr.Canonical(record(7, "2026-11-20 10:00:00", "79219462761"))
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: r, Version: 1}}))
	must(t, db.Exec(t.Context(), "TRUNCATE TABLE call_keys"))
	if rows := stored(t, db, r); len(rows) != 0 {
		t.Fatal("found without a key")
	}
	for i, want := range []uint64{1, 0} {
		n, err := db.MendKeys(t.Context(), all, false)
		must(t, err)
		if n != want || len(stored(t, db, r)) != 1 {
			t.Errorf("pass %d: %d mended, want %d", i+1, n, want)
		}
	}
}
