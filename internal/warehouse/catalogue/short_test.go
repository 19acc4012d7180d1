package catalogue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse/catalogue"
)

// talked is a call with one leg, whose recordings are named.
func talked(id uint64, talk time.Duration, recordings ...string) call.Record {
	r := record(id, fmt.Sprintf("2026-11-20 10:00:%02d", id%60), "79990000000")
	r.Talk, r.Recordings = talk, recordings
	r.Legs[0].AccountID, r.Legs[0].Talk, r.Legs[0].Answered, r.Legs[0].Finished = "883140000000001", talk, true, true
	return r
}

// plays is an archived recording of the call with that id.
func plays(name string, id uint64, d time.Duration, now time.Time) call.RecordingStatus {
	r := recording(name, now)
	r.GroupID, r.AccountID, r.ExpiresAt = id, "883140000000001", now.Add(90*day)
	return call.RecordingStatus{Recording: r, State: call.Archived, Attempt: 1, Duration: d, Size: 5, SHA256: "ab", Key: name, Bucket: "b", ArchivedAt: now}
}

// Whichever of row and CDR comes last, the row says whether the recording is short.
func TestShortRecordingsAreJudgedInEitherOrder(t *testing.T) {
	t.Parallel()
	db := open(t)
	now := time.Now().UTC().Truncate(time.Millisecond)
	first, second, long := plays("first", 1, 20*time.Second, now), plays("second", 2, 20*time.Second, now), plays("long", 3, time.Minute, now)
	old := plays("old", 4, 20*time.Second, now)
	old.ExpiresAt = now.Add(-day)
	write := func(r call.Record, events uint32) {
		t.Helper()
		must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: r, Version: cdr.CallVersion(1, events, 0)}}))
	}
	judgedArchived := func(since time.Time, want int) time.Time {
		t.Helper()
		next, n, err := db.JudgeArchived(t.Context(), since, now)
		if err != nil || n != want {
			t.Errorf("%d changed, want %d: %v", n, want, err)
		}
		return next
	}
	judged := func(r call.Record, want int) {
		t.Helper()
		write(r, uint32(want)+3)
		if n, err := db.JudgeShort(t.Context(), []call.Record{r}, now); err != nil || n != want {
			t.Errorf("%d changed, want %d: %v", n, want, err)
		}
	}
	row := func(s call.RecordingStatus) call.RecordingStatus {
		t.Helper()
		got, _, err := db.Recording(t.Context(), s.Integration, s.ID)
		must(t, err)
		return got
	}
	// The CDR first.
	call1 := talked(1, time.Minute, first.ID)
	judged(call1, 0)
	must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{first, old}))
	write(talked(4, time.Minute, old.ID), 3)
	next := judgedArchived(time.Time{}, 1) // what has run out at the operator is left alone
	judgedArchived(next, 1)                // but not where its row is new
	want := first
	want.ShortTalk, want.ShortSince, want.NextAttemptAt = time.Minute, now, now.Add(time.Hour)
	if diff := cmp.Diff(want, row(first)); diff != "" {
		t.Error(diff)
	}
	if got := row(old); got.ShortTalk == 0 || !got.NextAttemptAt.IsZero() {
		t.Errorf("%+v", got)
	}
	// The row first.
	must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{second, long}))
	next = judgedArchived(next, 0)
	judged(talked(2, time.Minute, second.ID), 1)
	judged(talked(3, time.Minute, long.ID), 0)
	judgedArchived(next, 0)
	// Both are due in their time, and the plan survives whatever is announced again.
	must(t, db.AnnounceRecordings(t.Context(), []call.Recording{first.Recording}))
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{59 * time.Minute, 0}, {time.Hour, 2}} {
		if got := dueIDs(t, db, now.Add(c.after), 10); len(got) != c.want {
			t.Errorf("after %v due: %v", c.after, got)
		}
	}
	at, total, err := db.AtRisk(t.Context(), catalogue.RiskFilter{})
	must(t, err)
	if total != 2 || at[0].Code() != call.CodeShort || at[0].Reason() != row(at[0]).Reason() {
		t.Errorf("%d at risk: %+v", total, at)
	}
	rows, err := db.ListRecordings(t.Context(), catalogue.Filter{Short: true})
	must(t, err)
	if len(rows) != 3 {
		t.Errorf("%d listed as short", len(rows))
	}
	// The CDR is corrected: of one there was no such talk, of another a second recording comes.
	judged(talked(1, 22*time.Second, first.ID), 1)
	judged(talked(2, time.Minute, second.ID, "00000000000000000000000000000009"), 1)
	if a, b := row(first), row(second); a != first || b != second {
		t.Errorf("%+v\n%+v", a, b)
	}
	if got := dueIDs(t, db, now.Add(48*time.Hour), 10); len(got) != 0 {
		t.Errorf("due: %v", got)
	}
	if got := ask(t, db, "SELECT step, count() FROM custody GROUP BY step ORDER BY step FORMAT TSV"); got != "not short\t2\nshort\t3" {
		t.Errorf("custody:\n%s", got)
	}
	mend(t, db, 0, 0)
}
