package catalogue_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
	"fonoteka/internal/warehouse/warehousetest"
)

// archivedRows saves n archived recordings, each in two versions, and others that
// are not.
func archivedRows(t testing.TB, db *warehousetest.DB, n int) []call.RecordingStatus {
	t.Helper()
	var first, rows []call.RecordingStatus
	for i := range n {
		r := recording(fmt.Sprint("fixity", i), at("2026-11-20 10:00:00").Add(time.Duration(i)*time.Second))
		if i%3 == 0 {
			r.Integration = "other"
		}
		first = append(first, call.RecordingStatus{Recording: r, State: call.Announced})
		row := call.RecordingStatus{
			Recording: r, State: call.Archived, Attempt: 1, SHA256: fmt.Sprintf("%064d", i), Size: int64(1000 + i),
			Bucket: "b", Key: r.ID + ".mp3", ArchivedAt: r.AnnouncedAt.Add(time.Minute),
		}
		if i%5 == 4 {
			row = call.RecordingStatus{Recording: r, State: call.Missing, Attempt: 1, Fault: call.Fault{Kind: call.Altered}}
		}
		if i == 7 {
			row.Fault = call.Fault{Kind: call.Altered, Part: call.RecordingPart, At: r.AnnouncedAt.Add(time.Hour), Size: 1}
		}
		rows = append(rows, row)
	}
	must(t, db.SaveRecordings(t.Context(), first))
	must(t, db.SaveRecordings(t.Context(), rows))
	rows = slices.DeleteFunc(rows, func(s call.RecordingStatus) bool { return s.State != call.Archived })
	slices.SortFunc(rows, func(a, b call.RecordingStatus) int {
		return slices.Compare([]string{a.Integration, a.ID}, []string{b.Integration, b.ID})
	})
	return rows
}

func names(rows []call.RecordingStatus) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.Integration+" "+r.ID)
	}
	return out
}

func TestPagesMeetEveryArchivedRecordingOnceInOrder(t *testing.T) {
	t.Parallel()
	db := open(t)
	want := archivedRows(t, db, 100)
	var got []call.RecordingStatus
	var f fixity.Query
	for {
		page, err := db.Archived(t.Context(), f, 7)
		must(t, err)
		got = append(got, page...)
		if len(page) == 0 {
			break
		}
		f.AfterIntegration, f.AfterID = page[len(page)-1].Integration, page[len(page)-1].ID
		rest, bytes, err := db.Count(t.Context(), f)
		must(t, err)
		if left := want[len(got):]; int(rest) != len(left) || (bytes == 0) != (rest == 0) {
			t.Errorf("after %d: %d recordings and %d bytes are left, want %d", len(got), rest, bytes, len(left))
		}
	}
	if !slices.Equal(names(got), names(want)) {
		t.Errorf("pages:\n%q\nwant\n%q", names(got), names(want))
	}
}

func TestArchivedFilterChooses(t *testing.T) {
	t.Parallel()
	db := open(t)
	all := archivedRows(t, db, 200)
	since := at("2026-11-20 10:02:00")
	newer, err := db.Archived(t.Context(), fixity.Query{Since: since}, 1000)
	must(t, err)
	want := 0
	for _, r := range all {
		if !r.ArchivedAt.Before(since) {
			want++
		}
	}
	if len(newer) != want || want == len(all) {
		t.Errorf("%d archived since %v, want %d of %d", len(newer), since, want, len(all))
	}
	one, err := db.Archived(t.Context(), fixity.Query{Share: 0.5, Seed: 1}, 1000)
	must(t, err)
	two, err := db.Archived(t.Context(), fixity.Query{Share: 0.5, Seed: 2}, 1000)
	must(t, err)
	if len(one) < len(all)/4 || len(one) > len(all)*3/4 || slices.Equal(names(one), names(two)) {
		t.Errorf("half of %d are %d, by another seed %d", len(all), len(one), len(two))
	}
	faulty, err := db.Archived(t.Context(), fixity.Query{Faulty: true}, 1000)
	must(t, err)
	if len(faulty) != 1 || faulty[0].Size != 1007 {
		t.Errorf("faulty: %q", names(faulty))
	}
	now := at("2026-11-22 00:00:00")
	short, long := all[3], all[4]
	for row, until := range map[*call.RecordingStatus]time.Time{&short: now, &long: now.AddDate(99, 0, 0)} {
		row.Attempt++
		row.Lock = call.Lock{Mode: "COMPLIANCE", Until: until}
		must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{*row}))
	}
	locked, err := db.Archived(t.Context(), fixity.Query{LockedAfter: now.Add(time.Second)}, 1000)
	must(t, err)
	if len(locked) != 1 || locked[0].ID != long.ID || locked[0].Lock != long.Lock {
		t.Errorf("locked: %+v, want %+v", locked, long.Lock)
	}
	byID, err := db.ByID(t.Context(), []string{all[0].ID, all[9].ID, "nobody"})
	must(t, err)
	if len(byID) != 2 {
		t.Errorf("by id: %q", names(byID))
	}
}

func TestLastStepIsTheLatestOfThoseAsked(t *testing.T) {
	t.Parallel()
	db := open(t)
	rows := archivedRows(t, db, 10)
	step := func(r call.RecordingStatus, name string, minute int) call.Custody {
		return call.Custody{Integration: r.Integration, RecordingID: r.ID, Step: name, At: at("2026-11-21 10:00:00").Add(time.Duration(minute) * time.Minute)}
	}
	must(t, db.AddCustody(t.Context(), []call.Custody{
		step(rows[0], "archived", 1), step(rows[0], "verified", 5), step(rows[0], "verified", 3), step(rows[0], "altered", 9), step(rows[1], "fetched", 2),
	}))
	got, err := db.LastStep(t.Context(), rows[:3], "archived", "verified")
	must(t, err)
	if want := []time.Time{at("2026-11-21 10:05:00"), {}, {}}; !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

// Among 200,000 recordings with two versions each, a page anywhere costs what a
// page costs: it reads few of the rows. Not parallel: it looks at all that the engine
// reads.
func TestAPageIsCheapAmongManyRecordings(t *testing.T) {
	if testing.Short() {
		t.Skip("many rows")
	}
	db := open(t)
	for _, version := range []int{1, 2} {
		ask(t, db, fmt.Sprintf(`INSERT INTO recordings (integration, recording_id, state, url, sha256, size, key, attempt, archived_at, version)
			SELECT 'main', lower(hex(sipHash128(number))), 'archived', concat('https://example.mtt.ru/2026/01/01/', toString(number)),
				lower(hex(SHA256(toString(number)))), 300000, 'recordings/main/2026/01/01/x.mp3', %d, now64(3), bitShiftLeft(toUInt64(4), 56) + %d
			FROM numbers(200000)`, version, version))
	}
	read := func() (rows int) {
		fmt.Sscan(ask(t, db, "SELECT value FROM system.events WHERE event = 'SelectedRows'"), &rows)
		return rows
	}
	for _, from := range []string{"", "4", "8", "ff"} {
		before := read()
		page, err := db.Archived(t.Context(), fixity.Query{AfterIntegration: "main", AfterID: from}, 500)
		must(t, err)
		if len(page) != 500 || page[0].Attempt != 2 {
			t.Fatalf("%d rows after %q", len(page), from)
		}
		rows := read() - before
		t.Logf("page after %q: %d rows read", from, rows)
		if rows == 0 || rows > 100_000 {
			t.Errorf("a page after %q reads %d of 400,000 rows", from, rows)
		}
	}
	for what, f := range map[string]fixity.Query{"all": {}, "faulty": {Faulty: true}} {
		began := time.Now()
		n, _, err := db.Count(t.Context(), f)
		must(t, err)
		t.Logf("count of %s: %d in %v", what, n, time.Since(began))
	}
	page, err := db.Archived(t.Context(), fixity.Query{Share: 0.005, Seed: 3}, 1000)
	must(t, err)
	began := time.Now()
	byID, err := db.ByID(t.Context(), keysOf(page))
	must(t, err)
	t.Logf("%d of %d by id: %v", len(byID), len(page), time.Since(began))
	if len(byID) != len(page) {
		t.Errorf("%d rows of %d ids", len(byID), len(page))
	}
}

func keysOf(rows []call.RecordingStatus) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.ID)
	}
	return out
}
