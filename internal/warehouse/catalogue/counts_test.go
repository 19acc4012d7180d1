package catalogue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/catalogstats"
	"fonoteka/internal/warehouse/catalogue"
)

const day = 24 * time.Hour

// expiring is a recording with its link's end, relative to now.
func expiring(name string, state call.RecordingState, attempt int, now time.Time, left time.Duration, next time.Time) call.RecordingStatus {
	r := recording(name, now.Add(-10*day))
	r.ExpiresAt = now.Add(left)
	return call.RecordingStatus{Recording: r, State: state, Attempt: attempt, NextAttemptAt: next}
}

func TestStandingCountsEachRecordingOnce(t *testing.T) {
	t.Parallel()
	db := open(t)
	now := at("2026-11-20 10:00:00")
	s, err := db.Standing(t.Context(), now)
	must(t, err)
	if diff := cmp.Diff(catalogstats.Counts{At: now, States: map[call.RecordingState]uint64{}}, s); diff != "" {
		t.Errorf("of nothing: %s", diff)
	}
	var rows []call.RecordingStatus
	for i, left := range []time.Duration{-2 * day, 0, time.Millisecond, day, day + time.Millisecond, 3 * day, 7 * day, 8 * day, 30 * day, 90 * day, 90*day + time.Millisecond} {
		rows = append(rows, expiring(fmt.Sprint("w", i), call.Retrying, 3, now, left, now.Add(time.Hour)))
	}
	done := expiring("done", call.Archived, 2, now, day, time.Time{})
	done.Size, done.ArchivedAt = 1000, now.Add(-30*time.Second)
	older := expiring("older", call.Archived, 2, now, day, time.Time{})
	older.Size, older.ArchivedAt = 500, now.Add(-time.Hour)
	short := func(name string, next, confirmed time.Time) call.RecordingStatus {
		s := expiring(name, call.Archived, 2, now, 60*day, next)
		s.ShortTalk, s.ShortSince, s.ShortConfirmedAt, s.ArchivedAt = time.Minute, now.Add(-day), confirmed, now.Add(-day)
		return s
	}
	again := short("short", now.Add(time.Hour), time.Time{})
	untried := expiring("untried", call.Announced, 0, now, 5*day, time.Time{})
	untried.AnnouncedAt = now.Add(-time.Minute)
	rows = append(rows, done, older, untried, again, short("short at the operator", time.Time{}, now), short("short, and that is all", time.Time{}, time.Time{}),
		expiring("lost", call.Expired, 50, now, -20*day, time.Time{}),
		expiring("erased", call.Erased, 1, now, -20*day, time.Time{}),
		expiring("due", call.Missing, 5, now, 60*day, now.Add(-2*time.Hour)),
		expiring("damaged", call.Quarantined, 5, now, 60*day, now.Add(2*time.Hour)),
		expiring("damaged and lost", call.Quarantined, 50, now, -30*day, time.Time{}))
	// Every one was announced before: two versions, one recording.
	var first []call.Recording
	for _, r := range rows {
		first = append(first, r.Recording)
	}
	must(t, db.AnnounceRecordings(t.Context(), first))
	must(t, db.SaveRecordings(t.Context(), rows))
	want := catalogstats.Counts{
		At: now, Lost: 2, ArchivedBytes: 1500, ArchivedLately: 1, Due: 2, OldestDue: now.Add(-2 * time.Hour), Untried: 1, OldestUntried: now.Add(-time.Minute),
		NextExpiry: now.Add(-2 * day), Short: catalogstats.Short{Again: 1, AtOperator: 1, Unconfirmed: 1},
		AtRisk: [7]uint64{2, 2, 2, 2, 2, 4, 1}, // past due, 1, 3, 7, 30, 90, more
		States: map[call.RecordingState]uint64{
			call.Retrying: 11, call.Archived: 5, call.Announced: 1, call.Expired: 1, call.Erased: 1, call.Missing: 1, call.Quarantined: 2,
		},
	}
	for _, when := range []string{"unmerged", "merged"} {
		s, err = db.Standing(t.Context(), now)
		must(t, err)
		if diff := cmp.Diff(want, s); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
		ask(t, db, "OPTIMIZE TABLE recordings FINAL")
	}
	if s.Known() != 22 || s.Waiting() != 15 {
		t.Errorf("%d known, %d waiting", s.Known(), s.Waiting())
	}

	names := func(f catalogue.RiskFilter) (out []string) {
		t.Helper()
		listed, total, err := db.AtRisk(t.Context(), f)
		must(t, err)
		for _, r := range listed {
			out = append(out, fmt.Sprint(r.State, " ", r.ExpiresAt.Sub(now).Truncate(day).Hours()/24))
		}
		return append(out, fmt.Sprint("of ", total))
	}
	if diff := cmp.Diff([]string{"quarantined -30", "expired -20", "retrying -2", "of 17"}, names(catalogue.RiskFilter{Lost: true, Limit: 3})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"retrying -2", "retrying 0", "retrying 0", "of 3"}, names(catalogue.RiskFilter{Before: now.Add(day), Integration: "main"})); diff != "" {
		t.Error(diff)
	}
}

func TestRetryMakesDueWhatWaitsAndNothingElse(t *testing.T) {
	t.Parallel()
	db := open(t)
	now := at("2026-11-20 10:00:00")
	later := now.Add(5 * time.Hour)
	rows := []call.RecordingStatus{
		expiring("missing", call.Missing, 4, now, 50*day, later), expiring("retrying", call.Retrying, 4, now, 51*day, later),
		expiring("refused", call.Refused, 1, now, 52*day, later), expiring("damaged", call.Quarantined, 2, now, 53*day, later),
		expiring("due", call.Missing, 4, now, 54*day, now), expiring("new", call.Announced, 0, now, 55*day, time.Time{}),
		expiring("done", call.Archived, 1, now, 56*day, time.Time{}), expiring("lost", call.Expired, 90, now, -20*day, time.Time{}),
		expiring("lost, too", call.Expired, 90, now, -19*day, time.Time{}), expiring("damaged and lost", call.Quarantined, 90, now, -18*day, time.Time{}),
	}
	must(t, db.SaveRecordings(t.Context(), rows))
	retry := func(want map[call.RecordingState]uint64, f catalogue.RetryFilter) {
		t.Helper()
		got, err := db.RetryRecordings(t.Context(), f, now)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	retry(map[call.RecordingState]uint64{call.Refused: 1}, catalogue.RetryFilter{State: call.Refused})
	retry(map[call.RecordingState]uint64{call.Retrying: 1}, catalogue.RetryFilter{IDs: []string{rows[1].ID, rows[6].ID, "it's"}})
	retry(map[call.RecordingState]uint64{}, catalogue.RetryFilter{Integration: "other"})
	retry(map[call.RecordingState]uint64{call.Missing: 1, call.Quarantined: 1}, catalogue.RetryFilter{})
	retry(map[call.RecordingState]uint64{}, catalogue.RetryFilter{})                                           // all are due
	retry(map[call.RecordingState]uint64{call.Announced: 1}, catalogue.RetryFilter{IDs: []string{rows[5].ID}}) // a wish, though it is due
	retry(map[call.RecordingState]uint64{call.Announced: 1}, catalogue.RetryFilter{State: call.Announced})
	due, err := db.DueRecordings(t.Context(), now, 100)
	must(t, err)
	if len(due) != 6 {
		t.Errorf("%d are due, want 6", len(due))
	}
	// What was given up only if somebody names it.
	retry(map[call.RecordingState]uint64{call.Expired: 1, call.Quarantined: 1}, catalogue.RetryFilter{IDs: []string{rows[7].ID, rows[9].ID}})
	retry(map[call.RecordingState]uint64{call.Expired: 1}, catalogue.RetryFilter{State: call.Expired})
	wished, err := db.DueRecordings(t.Context(), now, 100)
	must(t, err)
	if diff := cmp.Diff(append([]string{rows[7].ID, rows[8].ID, rows[9].ID}, recordingIDs(due)...), recordingIDs(wished)); diff != "" {
		t.Error(diff)
	}
	for i, want := range rows[:4] {
		want.NextAttemptAt = now
		if diff := cmp.Diff(want, due[i]); diff != "" {
			t.Errorf("but for the time it is the same row: %s", diff)
		}
	}

	// The outcome of a try that was under way when it was asked for holds, and so
	// does the next one's.
	outcome := rows[0]
	outcome.Attempt, outcome.NextAttemptAt = 5, later
	must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{outcome}))
	got, _, err := db.Recording(t.Context(), "main", outcome.ID)
	must(t, err)
	if diff := cmp.Diff(outcome, got); diff != "" {
		t.Error(diff)
	}
}

func TestKnownRecordingsAreTold(t *testing.T) {
	t.Parallel()
	db := open(t)
	a, b := recording("a", at("2026-11-20 10:00:00")), recording("b", at("2026-11-20 10:00:00"))
	must(t, db.AnnounceRecordings(t.Context(), []call.Recording{a}))
	other := a
	other.Integration = "other"
	got, err := db.KnownRecordings(t.Context(), []call.Recording{b, a, other})
	must(t, err)
	if diff := cmp.Diff([]bool{false, true, false}, got); diff != "" {
		t.Error(diff)
	}
}

func recordingIDs(rows []call.RecordingStatus) (out []string) {
	for _, r := range rows {
		out = append(out, r.ID)
	}
	return out
}
