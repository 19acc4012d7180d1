package call_test

import (
	"testing"
	"time"

	"fonoteka/internal/call"
)

const account = "883140000000001"

var found = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// archivedFor is an archived recording of the account that plays for a time.
func archivedFor(plays time.Duration) call.RecordingStatus {
	return call.RecordingStatus{
		Recording: call.Recording{Integration: "main", ID: "a", AccountID: account, AnnouncedAt: found, ExpiresAt: found.AddDate(0, 0, 90)},
		State:     call.Archived, Attempt: 1, Duration: plays,
	}
}

func talked(account string, talk time.Duration) call.Leg {
	return call.Leg{AccountID: account, Talk: talk, Answered: true, Finished: true}
}

func record(legs ...call.Leg) call.Record { return call.Record{Integration: "main", Legs: legs} }

func TestWhatIsShort(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		plays, talk time.Duration
		short       bool
	}{
		{21600 * time.Millisecond, time.Minute, true},
		{54 * time.Second, time.Minute, false}, // exactly 90 %
		{54*time.Second - time.Millisecond, time.Minute, true},
		{25 * time.Second, 30 * time.Second, true}, // exactly 5 s less, and less than 90 %
		{25*time.Second + time.Millisecond, 30 * time.Second, false},
		{45 * time.Second, 50 * time.Second, false}, // exactly both
		{time.Second, 5999 * time.Millisecond, false},
		{time.Millisecond, 5001 * time.Millisecond, true},
		{time.Hour, 70 * time.Minute, true},
		{time.Minute, time.Minute, false},
		{time.Hour, time.Minute, false},
		{time.Minute, 0, false},
		{0, time.Minute, false}, // not known
	} {
		if got := call.IsShort(c.plays, c.talk); got != c.short {
			t.Errorf("%v of %v: %v", c.plays, c.talk, got)
		}
	}
}

func TestWhichCallsRecordingsAreJudged(t *testing.T) {
	t.Parallel()
	short := archivedFor(21600 * time.Millisecond)
	change := func(f func(*call.RecordingStatus)) call.RecordingStatus { r := short; f(&r); return r }
	open := talked(account, time.Minute)
	open.Finished = false
	second := change(func(r *call.RecordingStatus) { r.ID = "b" })
	for name, c := range map[string]struct {
		of   call.Record
		rows []call.RecordingStatus
		want bool
	}{
		"one leg":                         {record(talked(account, time.Minute)), []call.RecordingStatus{short}, true},
		"beside it a leg that only rang":  {record(talked(account, time.Minute), talked(account, 0)), []call.RecordingStatus{short}, true},
		"beside it one of another talked": {record(talked(account, time.Minute), talked("2", time.Hour)), []call.RecordingStatus{short}, true},
		"its account, as announced":       {record(talked(account, time.Minute)), []call.RecordingStatus{change(func(r *call.RecordingStatus) { r.AccountID += "@pstn" })}, true},
		"no account is named":             {record(talked(account, time.Minute)), []call.RecordingStatus{change(func(r *call.RecordingStatus) { r.AccountID = "" })}, true},
		"beside a copy of it": {record(talked(account, time.Minute)), []call.RecordingStatus{
			short, change(func(r *call.RecordingStatus) { r.ID, r.CopyOf = "b", "a" }),
		}, true},

		"two legs that talked":             {record(talked(account, time.Minute), talked(account, time.Minute)), []call.RecordingStatus{short}, false},
		"two recordings":                   {record(talked(account, time.Minute)), []call.RecordingStatus{short, second}, false},
		"no account, and two legs talked":  {record(talked(account, time.Minute), talked("2", time.Minute)), []call.RecordingStatus{change(func(r *call.RecordingStatus) { r.AccountID = "" })}, false},
		"only a leg of another account":    {record(talked("2", time.Minute)), []call.RecordingStatus{short}, false},
		"a leg whose end is not announced": {record(open), []call.RecordingStatus{short}, false},
		"it is not archived":               {record(talked(account, time.Minute)), []call.RecordingStatus{change(func(r *call.RecordingStatus) { r.State = call.Quarantined })}, false},
		"it plays for all of it":           {record(talked(account, time.Minute)), []call.RecordingStatus{archivedFor(time.Minute)}, false},
	} {
		got := c.of.Judged(c.rows, found)
		if len(got) == 0 != !c.want {
			t.Errorf("%s: %+v", name, got)
		}
		if c.want && (len(got) != 1 || got[0].ShortTalk != time.Minute || got[0].ID != "a" || !got[0].NextAttemptAt.Equal(found.Add(time.Hour))) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A CDR may change late, and be judged any number of times.
func TestAJudgementFollowsTheCDR(t *testing.T) {
	t.Parallel()
	of := func(talk time.Duration) call.Record { return record(talked(account, talk)) }
	row := of(time.Minute).Judged([]call.RecordingStatus{archivedFor(20 * time.Second)}, found)[0]
	if again := of(time.Minute).Judged([]call.RecordingStatus{row}, found.Add(30*time.Minute)); again != nil {
		t.Errorf("judged again: %+v", again)
	}
	longer := of(2*time.Minute).Judged([]call.RecordingStatus{row}, found.Add(30*time.Minute))
	if len(longer) != 1 || longer[0].ShortTalk != 2*time.Minute || longer[0].ShortSince != row.ShortSince || longer[0].NextAttemptAt != row.NextAttemptAt {
		t.Errorf("of a longer talk: %+v", longer)
	}
	row.ShortConfirmedAt, row.NextAttemptAt = found, time.Time{}
	if kept := of(2*time.Minute).Judged([]call.RecordingStatus{row}, found); len(kept) != 1 || !kept[0].ShortAtOperator() || !kept[0].NextAttemptAt.IsZero() {
		t.Errorf("confirmed, of a longer talk: %+v", kept)
	}
	for name, record := range map[string]call.Record{"of a talk that was corrected": of(22 * time.Second), "of two legs": record(talked(account, time.Minute), talked(account, time.Minute))} {
		if got := record.Judged([]call.RecordingStatus{row}, found); len(got) != 1 || got[0] != archivedFor(20*time.Second) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestWhenAShortRecordingIsFetchedAgain(t *testing.T) {
	t.Parallel()
	expires := found.AddDate(0, 0, 90)
	plan := []time.Time{found.Add(time.Hour), found.Add(24 * time.Hour), expires.Add(-24 * time.Hour)}
	row := call.RecordingStatus{Recording: call.Recording{ExpiresAt: expires}, ShortSince: found}
	now := found
	for _, want := range plan {
		if now = row.FetchAgainAt(now); !now.Equal(want) {
			t.Errorf("at %v, want %v", now, want)
		}
	}
	if at := row.FetchAgainAt(now); !at.IsZero() {
		t.Errorf("a fourth time, at %v", at)
	}
	for name, c := range map[string]struct {
		expires time.Time
		want    []time.Duration
	}{
		"the link ends soon":     {found.Add(25 * time.Hour), []time.Duration{time.Hour, 24 * time.Hour}},
		"it ends within the day": {found.Add(10 * time.Hour), []time.Duration{time.Hour}},
		"it ends in 36 hours":    {found.Add(36 * time.Hour), []time.Duration{time.Hour, 12 * time.Hour, 24 * time.Hour}},
		"it has ended":           {found.Add(-time.Minute), nil},
		"its end is not known":   {time.Time{}, []time.Duration{time.Hour, 24 * time.Hour}},
	} {
		row.ExpiresAt = c.expires
		now, n := found, 0
		for ; n < 5; n++ {
			if now = row.FetchAgainAt(now); now.IsZero() {
				break
			}
			if n >= len(c.want) || now.Sub(found) != c.want[n] {
				t.Errorf("%s: number %d after %v", name, n+1, now.Sub(found))
			}
		}
		if n != len(c.want) {
			t.Errorf("%s: %d fetches", name, n)
		}
	}
}
