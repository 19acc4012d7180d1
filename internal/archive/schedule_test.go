package archive_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"fonoteka/internal/archive"
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
)

const day = 24 * time.Hour

func TestNextAttemptFollowsTheSchedule(t *testing.T) {
	t.Parallel()
	announced := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	expires := announced.Add(90 * day)
	for _, c := range []struct {
		name    string
		attempt int
		after   time.Duration // since the announcement
		want    time.Duration // from then; 0: none
	}{
		{"fifth", 4, time.Minute, time.Minute},
		{"sixth", 5, time.Hour, 5 * time.Minute},
		{"seventh", 6, time.Hour, 15 * time.Minute},
		{"hourly begins", 7, time.Hour, time.Hour},
		{"hourly ends", 30, day, time.Hour},
		{"daily", 31, 2 * day, day},
		{"daily for long", 70, 40 * day, day},
		{"daily stops at the last three days", 80, 86*day + 12*time.Hour, 12 * time.Hour},
		{"hourly as the end nears", 80, 88 * day, time.Hour},
		{"quick even then", 2, 88 * day, 5 * time.Second},
		{"hourly up to the expiry", 200, 90*day - time.Minute, time.Hour},
		{"daily after the estimate", 200, 91 * day, day},
		{"the last try is at the end", 200, 104*day - time.Hour, time.Hour},
		{"none after it", 200, 104 * day, 0},
		{"none after it, however few", 1, 105 * day, 0},
	} {
		now := announced.Add(c.after)
		var want time.Time
		if c.want > 0 {
			want = now.Add(c.want)
		}
		if got := archive.NextAttempt(fetch.Missing, c.attempt, announced, now, expires); !got.Equal(want) {
			t.Errorf("%s: NextAttempt = %v, want %v", c.name, got, want)
		}
	}
}

func TestEarlyTriesComeWithinTwoEightAndTwentySeconds(t *testing.T) {
	t.Parallel()
	const polling = 700 * time.Millisecond // how late the queue may be
	first := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := first
	for i, limit := range []time.Duration{2 * time.Second, 8 * time.Second, 20 * time.Second} {
		now = archive.NextAttempt(fetch.Missing, i+1, first, now, first.Add(90*day)).Add(polling)
		if now.Sub(first) > limit {
			t.Errorf("try %d comes after %v, want at most %v", i+2, now.Sub(first), limit)
		}
	}
}

func TestALinkAnnouncedYearsLateIsStillTriedForTwoWeeks(t *testing.T) {
	t.Parallel()
	announced := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	expires := time.Date(2020, 9, 22, 0, 0, 0, 0, time.UTC)
	if got := call.End(announced, expires); !got.Equal(announced.Add(14 * day)) {
		t.Errorf("End = %v", got)
	}
	if got := archive.NextAttempt(fetch.Missing, 1, announced, announced, expires); got.IsZero() {
		t.Error("no second try")
	}
	if got := archive.NextAttempt(fetch.Missing, 100, time.Time{}, announced, time.Time{}); !got.Equal(announced.Add(day)) {
		t.Errorf("nothing known: %v", got)
	}
}

func TestNextAttemptNeverStopsBeforeTheEnd(t *testing.T) {
	t.Parallel()
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(t *rapid.T, name string, from, to time.Duration) time.Time {
		return epoch.Add(time.Duration(rapid.Int64Range(int64(from), int64(to)).Draw(t, name)))
	}
	rapid.Check(t, func(t *rapid.T) {
		announced := at(t, "announced", -100*day, 100*day)
		expires := at(t, "expires", -3000*day, 300*day)
		now := at(t, "now", -100*day, 400*day)
		attempt := rapid.IntRange(-1, 2000).Draw(t, "attempt")
		end := call.End(announced, expires)
		next := archive.NextAttempt(fetch.Missing, attempt, announced, now, expires)
		if next.IsZero() != !now.Before(end) {
			t.Fatalf("zero is %v at %v, the end is %v", next.IsZero(), now, end)
		}
		if next.IsZero() {
			return
		}
		if !next.After(now) || next.After(now.Add(day)) || next.After(end) {
			t.Fatalf("%v after %v, end %v", next, now, end)
		}
		if left := expires.Sub(now); left > 0 && left < 3*day && next.Sub(now) > time.Hour {
			t.Fatalf("%v before the expiry the next try is in %v", left, next.Sub(now))
		}
		if more := archive.NextAttempt(fetch.Missing, attempt+1, announced, now, expires); more.Before(next) {
			t.Fatalf("attempt %d is sooner than %d", attempt+1, attempt)
		}
		later := now.Add(time.Duration(rapid.Int64Range(0, int64(day)).Draw(t, "later")))
		if then := archive.NextAttempt(fetch.Missing, attempt, announced, later, expires); !then.IsZero() && then.Before(next) {
			t.Fatalf("failing at %v gives %v, failing later, at %v, gives %v", now, next, later, then)
		}
	})
}

func TestUrgentIsTheLastWeekAndAfter(t *testing.T) {
	t.Parallel()
	expires := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]bool{-8 * day: false, -6 * day: true, 0: true, 10 * day: true} {
		if got := archive.Urgent(expires, expires.Add(after)); got != want {
			t.Errorf("%v: %v", after, got)
		}
	}
	if archive.Urgent(time.Time{}, expires) {
		t.Error("an unknown expiry is urgent")
	}
}
