package catalogue_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
)

// Of the recordings of one call whose links have one path and whose files have one
// digest, the first that was announced is the recording, whichever was archived first.
func TestTheLaterAnnouncedOfTwoEqualFilesIsACopy(t *testing.T) {
	t.Parallel()
	db := open(t)
	start := at("2026-11-20 10:00:00")
	row := func(link string, group uint64, announced time.Duration, digest string) call.RecordingStatus {
		return call.RecordingStatus{
			Recording: call.Recording{Integration: "main", ID: call.RecordingID("main", link), URL: link, GroupID: group, AnnouncedAt: start.Add(announced), ExpiresAt: start.Add(time.Hour)},
			State:     call.Archived, Attempt: 1, SHA256: digest, Size: 1, Key: link, ArchivedAt: start.Add(time.Hour - announced),
		}
	}
	first := row("https://mtt.ru/get?id=1", 7, 0, "aa")
	rows := []call.RecordingStatus{
		row("https://mtt.ru/get?id=2", 7, time.Minute, "aa"), first,
		row("http://cdn.mtt.ru/get", 7, 2*time.Minute, "aa"),     // by another name, without a query
		row("https://mtt.ru/get?id=4", 7, 3*time.Minute, "bb"),   // another file
		row("https://mtt.ru/other?id=1", 7, 4*time.Minute, "aa"), // another path
		row("https://mtt.ru/get?id=5", 8, 5*time.Minute, "aa"),   // another call
		row("https://mtt.ru/get?id=6", 0, 6*time.Minute, "aa"),   // of no call
		row("https://mtt.ru/get?id=7", 0, 7*time.Minute, "aa"),
	}
	want := []string{first.ID, "", first.ID, "", "", "", "", ""}
	for _, r := range rows {
		must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{r}))
	}
	for _, changed := range []int{2, 0} {
		if n, err := db.MarkCopies(t.Context(), time.Time{}); err != nil || n != changed {
			t.Errorf("%d changed, want %d: %v", n, changed, err)
		}
	}
	var got []string
	for _, r := range rows {
		s, _, err := db.Recording(t.Context(), "main", r.ID)
		must(t, err)
		got = append(got, s.CopyOf)
		if r.CopyOf = s.CopyOf; cmp.Diff(r, s) != "" || s.CopyOf != "" && s.Code() != call.CodeCopy {
			t.Errorf("but for that it is the same row: %s", cmp.Diff(r, s))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	copies, err := db.CopiesAmong(t.Context(), []call.Record{{Integration: "main", Recordings: []string{rows[0].ID, rows[1].ID}}})
	if err != nil || len(copies) != 1 {
		t.Errorf("copies %v, %v", copies, err)
	}
	// The first is erased: the next takes its place.
	first.State = call.Erased
	must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{first}))
	_, err = db.MarkCopies(t.Context(), time.Time{})
	must(t, err)
	s, _, err := db.Recording(t.Context(), "main", rows[2].ID)
	must(t, err)
	if s.CopyOf != rows[0].ID {
		t.Errorf("a copy of %q", s.CopyOf)
	}
	second := rows[0]
	second.State = call.Erased
	must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{second}))
	_, err = db.MarkCopies(t.Context(), time.Time{})
	must(t, err)
	if s, _, err = db.Recording(t.Context(), "main", rows[2].ID); err != nil || s.CopyOf != "" {
		t.Errorf("the only one that is left is a copy of %q, %v", s.CopyOf, err)
	}
}

func TestTwoCallsThatNameOneRecordingAreFound(t *testing.T) {
	t.Parallel()
	db := open(t)
	start := at("2026-11-20 10:00:00")
	named := func(link string, group uint64, later time.Duration) call.Recording {
		return call.Recording{Integration: "main", ID: call.RecordingID("main", link), URL: link, GroupID: group, AnnouncedAt: start.Add(later), ExpiresAt: start.Add(time.Hour)}
	}
	must(t, db.AnnounceRecordings(t.Context(), []call.Recording{
		named("https://mtt.ru/1", 7, 0), named("https://mtt.ru/1", 7, time.Minute), named("https://mtt.ru/1", 0, 0), // one call, told twice, and an import that knows none
		named("https://mtt.ru/2", 7, 0),
	}))
	found, total, err := db.SharedRecordings(t.Context(), 10)
	if err != nil || total != 0 || len(found) != 0 {
		t.Errorf("%d: %+v, %v", total, found, err)
	}
	must(t, db.AnnounceRecordings(t.Context(), []call.Recording{named("https://mtt.ru/2", 8, 48*time.Hour)}))
	found, total, err = db.SharedRecordings(t.Context(), 10)
	if err != nil || total != 1 || len(found) != 1 || found[0].ID != call.RecordingID("main", "https://mtt.ru/2") || !cmp.Equal(found[0].Calls, []uint64{7, 8}) {
		t.Errorf("%d: %+v, %v", total, found, err)
	}
	for days, want := range map[int]uint64{3: 1, 10: 0} {
		s, err := db.Standing(t.Context(), start.AddDate(0, 0, days))
		if err != nil || s.SharedLately != want {
			t.Errorf("after %d days %d, %v; want %d", days, s.SharedLately, err, want)
		}
	}
}
