package reports_test

import (
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/directory"
)

// Who called whom within the company: as announced, and by the directory where no
// name was.
func TestReportsSayWhoCalledWhomInternally(t *testing.T) {
	t.Parallel()
	db := open(t)
	must(t, db.InsertDirectory(t.Context(), []directory.Row{
		{Kind: directory.Staff, Integration: "main", ID: "883140777828302", Word: "Борис Петров", ValidFrom: at("2020-01-01 00:00:00"), Source: "import"},
	}))
	must(t, db.Exec(t.Context(), "SYSTEM RELOAD DICTIONARY directory_account"))
	r := record(1, "2026-11-20 10:00:00", "")
	r.Direction, r.ClientNumber, r.ExternalNumber = call.Internal, call.Number{}, call.Number{}
	r.Caller = call.Member{AccountID: "883140777828301", Extension: "101", Name: "Анна"}
	r.Callee = call.Member{AccountID: "883140777828302", Extension: "102"}
	r.Legs[0].Caller, r.Legs[0].Callee = r.Caller, r.Callee
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: r, Version: 1}}))
	for sql, want := range map[string]string{
		"SELECT caller, caller_extension, caller_name, callee, callee_extension, callee_name FROM report_calls": "883140777828301\t101\tАнна\t883140777828302\t102\tБорис Петров",
		"SELECT caller, caller_extension, caller_name, callee, callee_extension, callee_name FROM calls FINAL":  "883140777828301\t101\tАнна\t883140777828302\t102\t",
		"SELECT caller, caller_extension, caller_name, callee, callee_extension, callee_name FROM legs FINAL":   "883140777828301\t101\tАнна\t883140777828302\t102\t",
	} {
		if got := ask(t, db, sql); got != want && got+"\t" != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

// Of a call whose end nobody told, its one recording says how long it was at least.
func TestARecordingSaysHowLongACallWithoutAnEndWas(t *testing.T) {
	t.Parallel()
	db := open(t)
	var writes []cdr.CallWrite
	var files []call.RecordingStatus
	for i, c := range []struct {
		partial, ended bool
		recordings     []string
	}{
		{true, true, []string{"a"}},        // 1: ended by inference
		{false, false, []string{"b"}},      // 2: goes on, as far as is known
		{false, true, []string{"c"}},       // 3: its end is known
		{true, true, []string{"d", "e"}},   // 4: which of the two?
		{true, true, []string{"not here"}}, // 5: not archived
		{true, true, nil},                  // 6
	} {
		r := record(uint64(i+1), "2026-11-20 10:00:00", "79219462761")
		r.Partial = c.partial
		if !c.ended {
			r.EndedAt = time.Time{}
		}
		for _, name := range c.recordings {
			file := call.RecordingStatus{Recording: recording(name, at("2026-11-20 10:05:00")), State: call.Announced}
			r.Recordings = append(r.Recordings, file.ID)
			files = append(files, file)
			if name != "not here" { // a second row of it
				file.State, file.Attempt, file.Duration, file.Size = call.Archived, 1, 40*time.Second, 1
				files = append(files, file)
			}
		}
		writes = append(writes, cdr.CallWrite{Record: r, Version: 1})
	}
	must(t, db.SaveRecordings(t.Context(), files[:len(files)-1]))
	must(t, db.SaveRecordings(t.Context(), files[len(files)-1:]))
	must(t, db.WriteCalls(t.Context(), writes))
	got := ask(t, db, "SELECT call_id, talk_at_least_ms FROM report_calls ORDER BY call_id")
	if want := "1\t40000\n2\t40000\n3\t\\N\n4\t\\N\n5\t\\N\n6\t\\N"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A missed call whose end is not known is over.
func TestAMissedCallWithoutAnEndIsNotOpen(t *testing.T) {
	t.Parallel()
	db := open(t)
	goesOn, missed := record(1, "2026-11-20 10:00:00", "79219462761"), record(2, "2026-11-20 10:00:00", "79219462761")
	goesOn.EndedAt, missed.EndedAt, missed.Outcome = time.Time{}, time.Time{}, call.Missed
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: goesOn, Version: 1}, {Record: missed, Version: 1}}))
	keys, err := db.OpenCalls(t.Context(), at("2026-11-21 00:00:00"), 10)
	must(t, err)
	if len(keys) != 1 || keys[0].GroupID != 1 {
		t.Errorf("open: %v", keys)
	}
	if got := ask(t, db, "SELECT sum(going_on) FROM live_hourly_calls"); got != "1" {
		t.Errorf("%s go on", got)
	}
}
