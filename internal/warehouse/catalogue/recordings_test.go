package catalogue_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse/catalogue"
)

var states = []call.RecordingState{
	call.Announced, call.Retrying, call.Missing, call.Refused, call.Expired, call.Quarantined, call.Archived, call.Erased,
}

func TestHigherRankHoldsWhicheverComesLast(t *testing.T) {
	t.Parallel()
	db := open(t)
	type pair struct {
		early, late call.RecordingStatus
	}
	var pairs []pair
	var firsts, seconds []call.RecordingStatus
	for _, a := range states {
		for _, b := range states {
			r := recording(fmt.Sprint("x", len(pairs)), at("2026-11-20 10:00:00"))
			p := pair{call.RecordingStatus{Recording: r, State: a, Attempt: 9}, call.RecordingStatus{Recording: r, State: b, Attempt: 1}}
			pairs = append(pairs, p)
			firsts, seconds = append(firsts, p.early), append(seconds, p.late)
		}
	}
	must(t, db.SaveRecordings(t.Context(), firsts))
	must(t, db.SaveRecordings(t.Context(), seconds))
	for _, when := range []string{"unmerged", "merged"} {
		for _, p := range pairs {
			want := p.early // of one rank the higher attempt
			if p.late.State.Rank() > p.early.State.Rank() {
				want = p.late
			}
			got, ok, err := db.Recording(t.Context(), "main", want.ID)
			must(t, err)
			if !ok || got.State != want.State || got.Attempt != want.Attempt {
				t.Errorf("%s: %s then %s: got %s attempt %d", when, p.early.State, p.late.State, got.State, got.Attempt)
			}
		}
		ask(t, db, "OPTIMIZE TABLE recordings FINAL")
	}
}

func TestLateAnnouncementKeepsStateAndEarliestTime(t *testing.T) {
	t.Parallel()
	db := open(t)
	early, late := recording("a", at("2026-11-20 10:00:00")), recording("a", at("2026-11-25 10:00:00"))
	must(t, db.AnnounceRecordings(t.Context(), []call.Recording{late}))
	must(t, db.AnnounceRecordings(t.Context(), []call.Recording{early}))
	must(t, db.AnnounceRecordings(t.Context(), []call.Recording{late}))
	got, ok, err := db.Recording(t.Context(), "main", early.ID)
	must(t, err)
	if diff := cmp.Diff(call.RecordingStatus{Recording: early, State: call.Announced}, got); !ok || diff != "" {
		t.Fatal(ok, diff)
	}
	full := call.RecordingStatus{
		Recording: early, State: call.Archived, Attempt: 3, Note: "it's \xff", SHA256: "abc", Size: 1 << 40,
		Duration: 4 * time.Second, Bucket: "b", Key: "recordings/😀.mp3", ArchivedAt: at("2026-11-20 11:00:00"),
	}
	must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{full}))
	must(t, db.AnnounceRecordings(t.Context(), []call.Recording{late}))
	got, _, err = db.Recording(t.Context(), "main", early.ID)
	must(t, err)
	if diff := cmp.Diff(full, got); diff != "" {
		t.Error(diff)
	}
	if _, ok, err := db.Recording(t.Context(), "other", early.ID); ok || err != nil {
		t.Errorf("another integration's: %v, %v", ok, err)
	}
}

// Every field has its column, in both tables, and reason and reason_code are what
// the fields say.
func TestEveryFieldOfARowIsStored(t *testing.T) {
	t.Parallel()
	db := open(t)
	moment := func(minute int) time.Time {
		return at("2026-11-20 10:00:00").Add(time.Duration(minute)*time.Minute + 7*time.Millisecond)
	}
	waits := call.RecordingStatus{
		Recording: recording("waits", moment(0)), State: call.Quarantined, Attempt: 9, NextAttemptAt: moment(1), SHA256: "ab", Size: 5, Bucket: "b", Key: "quarantine/x.mp3", Format: "mp3",
		Failure:  call.Failure{Code: call.CodeCut, Host: "records.mtt.ru", HTTPStatus: 503, GotBytes: 3, WantBytes: 1 << 40, OwnFailures: 31, Format: "wav"},
		DeniedAt: moment(2), GivenUpAt: moment(3), KeptAttempt: 8,
	}
	whole := call.RecordingStatus{
		Recording: recording("whole", moment(0)), State: call.Archived, Attempt: 3, SHA256: "cd", Size: 6, Duration: 4 * time.Second, Bucket: "b", Key: "recordings/x.mp3", Format: "mp3", ArchivedAt: moment(4),
		Unmeasured: true, Proxied: true, TextBefore: 86, MismatchedTalk: time.Minute, ShortTalk: time.Hour, ShortSince: moment(5), ShortConfirmedAt: moment(7), CopyOf: "0123", Conflicts: 2,
		Fault:  call.Fault{Kind: call.Unreadable, Part: call.SidecarPart, At: moment(5), LastGood: moment(4), SHA256: "ef", Size: 7},
		Former: call.Former{Key: "recordings/y.mp3", Fault: call.Altered, At: moment(6)}, Note: "of old",
		Lock: call.Lock{Mode: "COMPLIANCE", Until: at("2029-11-20 10:00:00")},
	}
	for _, row := range []call.RecordingStatus{waits, whole} {
		for i, v := range fields(reflect.ValueOf(row)) {
			both := v.IsZero() && fields(reflect.ValueOf(waits))[i].IsZero() && fields(reflect.ValueOf(whole))[i].IsZero()
			if both {
				t.Errorf("field %d of a row is not tried", i)
			}
		}
		must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{row}))
		got, _, err := db.Recording(t.Context(), "main", row.ID)
		must(t, err)
		if diff := cmp.Diff(row, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if said := ask(t, db, "SELECT reason_code, reason FROM recordings FINAL WHERE recording_id = '"+row.ID+"' FORMAT TSVRaw"); said != string(row.Code())+"\t"+row.Reason() {
			t.Errorf("stored are %s", said)
		}
	}
	for range 2 {
		open, _, err := db.AtRisk(t.Context(), catalogue.RiskFilter{})
		must(t, err)
		if diff := cmp.Diff([]call.RecordingStatus{waits}, open); diff != "" {
			t.Errorf("recordings_open (-want +got):\n%s", diff)
		}
		// And where the table has to be filled again.
		must(t, db.Exec(t.Context(), "TRUNCATE TABLE recordings_open"))
		must(t, db.Exec(t.Context(), "ALTER TABLE recordings UPDATE updated_at = updated_at - 3600 WHERE true SETTINGS mutations_sync = 1"))
		_, _, err = db.MendOpenRecordings(t.Context())
		must(t, err)
	}
	// What a job goes by.
	want := waits
	want.Failure, want.Format = call.Failure{}, "" // the key says it, too
	due, err := db.DueRecordings(t.Context(), moment(9), 10)
	must(t, err)
	got, _, err := db.NewReader().Recording(t.Context(), "main", waits.ID)
	must(t, err)
	if diff := cmp.Diff([]call.RecordingStatus{want, want}, append(due, got)); diff != "" {
		t.Errorf("for a job (-want +got):\n%s", diff)
	}
}

// fields are the values of a struct, those of its structs one by one.
func fields(v reflect.Value) (all []reflect.Value) {
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]() {
			all = append(all, fields(f)...)
		} else {
			all = append(all, f)
		}
	}
	return all
}

func TestDueRecordingsByExpiry(t *testing.T) {
	t.Parallel()
	db := open(t)
	now := at("2026-11-20 10:00:00")
	status := func(name string, expires time.Duration, state call.RecordingState, next time.Time) call.RecordingStatus {
		r := recording(name, now.Add(-time.Hour))
		r.ExpiresAt = now.Add(expires)
		return call.RecordingStatus{Recording: r, State: state, NextAttemptAt: next}
	}
	var rows []call.RecordingStatus
	var want []string
	for i, state := range []call.RecordingState{call.Missing, call.Retrying, call.Refused, call.Quarantined, call.Announced, call.Archived} { // of what is archived, what is short
		h := time.Duration(i+1) * time.Hour
		due := status(fmt.Sprint("due", i), h, state, now)
		rows = append(rows, due,
			status(fmt.Sprint("later", i), 0, state, now.Add(time.Millisecond)))
		want = append(want, due.ID)
	}
	fresh := status("fresh", -time.Hour, call.Announced, time.Time{})
	want = append([]string{fresh.ID}, want...)
	rows = append(rows, fresh,
		status("no next", 0, call.Retrying, time.Time{}),
		status("expired", 0, call.Expired, time.Time{}), status("archived", 0, call.Archived, time.Time{}), status("erased", 0, call.Erased, now))
	// Announced once, archived since: due in one version, not in the newest.
	done := status("done", 0, call.Announced, time.Time{})
	must(t, db.AnnounceRecordings(t.Context(), []call.Recording{done.Recording}))
	done.State = call.Archived
	must(t, db.SaveRecordings(t.Context(), append(rows, done)))

	got, err := db.DueRecordings(t.Context(), now, 100)
	must(t, err)
	if diff := cmp.Diff(want, recordingIDs(got)); diff != "" {
		t.Error(diff)
	}
	two, err := db.DueRecordings(t.Context(), now, 2)
	must(t, err)
	if len(two) != 2 || two[0].ID != fresh.ID {
		t.Errorf("the first two: %v", two)
	}
}

func TestCustodyIsAddedToOnce(t *testing.T) {
	t.Parallel()
	db := open(t)
	fetched := call.Custody{Integration: "main", RecordingID: "a", Step: "fetched", At: at("2026-11-20 10:00:00"), SHA256: "abc", Attempt: 1}
	archived := call.Custody{Integration: "main", RecordingID: "a", Step: "archived", At: at("2026-11-20 10:00:01"), SHA256: "abc", Attempt: 1, Detail: "it's"}
	must(t, db.AddCustody(t.Context(), []call.Custody{archived, fetched}))
	must(t, db.AddCustody(t.Context(), []call.Custody{fetched}))
	if diff := cmp.Diff([]call.Custody{fetched, archived}, custodyOf(t, db, "main", "a")); diff != "" {
		t.Error(diff)
	}
}
