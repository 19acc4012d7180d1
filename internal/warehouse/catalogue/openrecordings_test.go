package catalogue_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/warehousetest"
)

// dueIDs are the ids of what is due.
func dueIDs(t *testing.T, db *warehousetest.DB, now time.Time, limit int) []string {
	t.Helper()
	rows, err := db.DueRecordings(t.Context(), now, limit)
	must(t, err)
	ids := []string{}
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

// age makes what was written until now old enough to be compared.
func age(t *testing.T, db *warehousetest.DB) {
	t.Helper()
	ask(t, db, "ALTER TABLE recordings UPDATE updated_at = updated_at - 3600 WHERE 1 SETTINGS mutations_sync = 1")
}

func mend(t *testing.T, db *warehousetest.DB, missing, settled uint64) {
	t.Helper()
	m, s, err := db.MendOpenRecordings(t.Context())
	must(t, err)
	if m != missing || s != settled {
		t.Errorf("%d were missing and %d settled, want %d and %d", m, s, missing, settled)
	}
}

// Whatever is written in whatever order, merged or cleaned away, what is due is
// what the whole catalogue says.
func TestNoOpenRecordingIsMissed(t *testing.T) {
	t.Parallel()
	db := open(t)
	now := at("2026-11-20 10:00:00")
	random := rand.New(rand.NewPCG(3, 5))
	states := []call.RecordingState{
		call.Announced, call.Announced, call.Retrying, call.Missing, call.Refused, call.Expired, call.Quarantined, call.Archived, call.Archived, call.Erased,
	}
	for step := range 60 {
		var rows []call.RecordingStatus
		for range 1 + random.IntN(4) {
			// An announcement may tell of another time and expiry than the one before.
			s := expiring(fmt.Sprint("r", random.IntN(60)), states[random.IntN(len(states))], random.IntN(4), now, time.Duration(random.IntN(80))*day, time.Time{})
			s.AnnouncedAt = now.Add(-time.Duration(random.IntN(5000)) * time.Second)
			if s.State != call.Announced && s.State != call.Erased && (s.State != call.Archived || random.IntN(2) == 0) { // of what is archived, the short ones
				s.NextAttemptAt = now.Add(time.Duration(random.IntN(3)-1) * time.Hour)
			} else {
				s.Attempt = 0
			}
			rows = append(rows, s)
		}
		must(t, db.SaveRecordings(t.Context(), rows))
		if step%20 == 19 {
			age(t, db)
			_, _, err := db.MendOpenRecordings(t.Context())
			must(t, err)
		}
		if step%4 != 0 {
			continue
		}
		want := ask(t, db, fmt.Sprintf(`SELECT arrayStringConcat(groupArray(recording_id), ',') FROM (
			SELECT recording_id FROM recordings FINAL WHERE state = 'announced' AND isNull(next_attempt_at)
				OR state IN ('announced', 'retrying', 'missing', 'refused', 'quarantined', 'expired', 'archived') AND next_attempt_at <= toDateTime64(%d, 3)
			ORDER BY expires_at, integration, recording_id)`, now.Unix()))
		got := ""
		for i, id := range dueIDs(t, db, now, 3+random.IntN(100)) {
			if i > 0 {
				got += ","
			}
			got += id
		}
		if len(got) < len(want) && len(got) > 0 {
			want = want[:len(got)] // the limit's part of it
		}
		if got != want {
			t.Fatalf("step %d: due\n%s, want\n%s", step, got, want)
		}
		refused, err := db.RefusedRecordings(t.Context(), 100)
		must(t, err)
		if got, want := strings.Join(recordingIDs(refused), ","), ask(t, db, `SELECT arrayStringConcat(groupArray(recording_id), ',') FROM (
			SELECT recording_id FROM recordings FINAL WHERE state = 'refused' ORDER BY expires_at, integration, recording_id)`); got != want {
			t.Fatalf("step %d: refused\n%s, want\n%s", step, got, want)
		}
	}
}

func TestAnAnnouncementOfWhatIsArchivedIsForgottenAgain(t *testing.T) {
	t.Parallel()
	db := open(t)
	now := at("2026-11-20 10:00:00")
	var first []call.Recording
	var done []call.RecordingStatus
	for i := range 10 {
		s := expiring(fmt.Sprint("done", i), call.Archived, 1, now, day, time.Time{})
		first, done = append(first, s.Recording), append(done, s)
	}
	waits := expiring("waits", call.Announced, 0, now, 2*day, time.Time{})
	must(t, db.AnnounceRecordings(t.Context(), append(first, waits.Recording)))
	must(t, db.SaveRecordings(t.Context(), done))
	mend(t, db, 0, 0)
	if got := ask(t, db, "SELECT count() FROM recordings_open SETTINGS final = 0"); got != "1" {
		t.Errorf("%s rows, of archived ones none is needed", got)
	}
	must(t, db.AnnounceRecordings(t.Context(), first))
	standing := func() {
		t.Helper()
		s, err := db.Standing(t.Context(), now)
		must(t, err)
		_, total, err := db.AtRisk(t.Context(), catalogue.RiskFilter{})
		must(t, err)
		if s.Waiting() != 1 || s.Due != 1 || total != 1 {
			t.Errorf("%d wait, %d are due, %d are listed, want one", s.Waiting(), s.Due, total)
		}
	}
	standing()
	for _, limit := range []int{3, 100} { // one page of nothing but these, and all
		if diff := cmp.Diff([]string{waits.ID}, dueIDs(t, db, now, limit)); diff != "" {
			t.Error(diff)
		}
	}
	standing()
}

func TestTheOpenRecordingsAreMended(t *testing.T) {
	t.Parallel()
	db := open(t)
	now := at("2026-11-20 10:00:00")
	waits, lost, done := expiring("waits", call.Retrying, 2, now, 2*day, now), expiring("lost", call.Expired, 40, now, -20*day, time.Time{}), expiring("done", call.Archived, 1, now, day, time.Time{})
	must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{waits, lost, done}))
	ask(t, db, "TRUNCATE TABLE recordings_open")
	ask(t, db, "INSERT INTO recordings_open (integration, recording_id, state) VALUES ('main', '"+done.ID+"', 'missing')")
	mend(t, db, 0, 0) // too fresh to be judged
	age(t, db)
	mend(t, db, 2, 1)
	mend(t, db, 0, 0)
	rows, err := db.DueRecordings(t.Context(), now, 10)
	must(t, err)
	if diff := cmp.Diff([]call.RecordingStatus{waits}, rows); diff != "" {
		t.Error(diff)
	}
	listed, total, err := db.AtRisk(t.Context(), catalogue.RiskFilter{Lost: true})
	must(t, err)
	if total != 2 || listed[0].ID != lost.ID {
		t.Errorf("%d listed: %v", total, listed)
	}
}

func TestALostCatalogueLosesNoOpenRecording(t *testing.T) {
	t.Parallel()
	db := open(t)
	now := at("2026-11-20 10:00:00")
	waits := expiring("waits", call.Announced, 0, now, 2*day, time.Time{})
	must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{waits}))
	ask(t, db, "TRUNCATE TABLE recordings")
	mend(t, db, 0, 0)
	rows, err := db.DueRecordings(t.Context(), now, 10)
	must(t, err)
	if diff := cmp.Diff([]call.RecordingStatus{waits}, rows); diff != "" {
		t.Error(diff)
	}
}
