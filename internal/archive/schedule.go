package archive

import "time"

const (
	day = 24 * time.Hour

	// grace is how long tries go on after the estimated expiry, which is only
	// an estimate.
	grace = 14 * day
	// lastDays before the expiry are tried hourly again.
	lastDays = 3 * day
	// urgentDays before the expiry go before everything else.
	urgentDays = 7 * day
)

// delays after the first failures; then hourly for a day, then daily. The
// first three put the second to fourth try within 2, 8 and 20 s of the first,
// with 0.7 s for the queue's polling at each: a file may be a moment late.
var delays = []time.Duration{
	1300 * time.Millisecond, 5 * time.Second, 11 * time.Second,
	time.Minute, 5 * time.Minute, 15 * time.Minute,
}

// settled is the first attempt after which tries are daily.
var settled = len(delays) + 25

func delay(attempt int) time.Duration {
	switch {
	case attempt <= len(delays):
		return delays[max(attempt, 1)-1]
	case attempt <= len(delays)+24:
		return time.Hour
	}
	return day
}

// NextAttempt says when to try again after attempt tries (1 and more), the
// last of which failed now. It never lies before now, nor further than a day
// ahead, nor beyond End, where one more try is always planned; from End on it
// is zero. In the last three days before the expiry it is at most an hour away.
// A zero expires is an unknown one.
func NextAttempt(attempt int, announced, now, expires time.Time) time.Time {
	end := End(announced, expires)
	if !end.IsZero() && !now.Before(end) {
		return time.Time{}
	}
	next := now.Add(delay(attempt))
	if !expires.IsZero() && now.Before(expires) {
		latest := now.Add(time.Hour)
		if begin := expires.Add(-lastDays); latest.Before(begin) {
			latest = begin
		}
		next = earlier(next, latest)
	}
	if !end.IsZero() {
		next = earlier(next, end)
	}
	return next
}

// End is when the server's own "no such file" is believed: two weeks after the
// estimated expiry – or after the announcement, for a link that was announced
// when it had already run out. It is zero where neither is known.
func End(announced, expires time.Time) time.Time {
	last := expires
	if announced.After(last) {
		last = announced
	}
	if last.IsZero() {
		return time.Time{}
	}
	return last.Add(grace)
}

// Urgent reports whether a recording belongs into the urgent queue: within
// seven days of its expiry, or past it.
func Urgent(expires, now time.Time) bool {
	return !expires.IsZero() && now.After(expires.Add(-urgentDays))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
