package archive

import (
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
)

const (
	day = 24 * time.Hour

	// lastDays before the expiry are tried hourly again.
	lastDays = 3 * day
	// urgentDays before the expiry go before everything else.
	urgentDays = 7 * day
)

// quickRetries is how many failures are followed by a quick try, whatever they are.
const quickRetries = 3

// backoff is how long to wait after each failure of a kind: the delays after the first
// ones, so many hourly tries, then one every so often; and at most an hour apart, as
// the end nears, where that may help.
type backoff struct {
	first    []time.Duration
	hourly   int
	then     time.Duration
	closeEnd bool
}

// early puts the second to fourth try within 2, 8 and 20 s of the first, with
// 0.7 s for the queue's polling at each: a file may be a moment late.
var early = []time.Duration{1300 * time.Millisecond, 5 * time.Second, 11 * time.Second}

func after(more ...time.Duration) []time.Duration {
	return append(early[:quickRetries:quickRetries], more...)
}

var (
	notReady = backoff{after(time.Minute, 5*time.Minute, 15*time.Minute), 24, day, true}
	gone     = backoff{after(5*time.Minute, time.Hour, 6*time.Hour), 0, day, false}
	login    = backoff{after(time.Minute, 5*time.Minute, 5*time.Minute, 15*time.Minute), 72, 6 * time.Hour, true}
	damaged  = backoff{after(5*time.Minute, 30*time.Minute), 12, day, true}
	policy   = backoff{nil, 0, day, false}
)

func (b *backoff) delay(attempt int) time.Duration {
	switch {
	case attempt <= len(b.first):
		return b.first[max(attempt, 1)-1]
	case attempt <= len(b.first)+b.hourly:
		return time.Hour
	}
	return b.then
}

// NextAttempt says when to try again after attempt tries (1 and more), the
// last of which failed now, with kind. It never lies before now, nor further
// than a day ahead, nor beyond call.End, where one more try is always planned; from
// End on it is zero. In the last three days before the expiry it is at most an
// hour away, unless the server has said that the file is gone, or we refuse it.
// A zero expires is an unknown one.
func NextAttempt(kind fetch.Kind, attempt int, announced, now, expires time.Time) time.Time {
	b := classOf(kind).backoff
	end := call.End(announced, expires)
	if !end.IsZero() && !now.Before(end) {
		return time.Time{}
	}
	next := now.Add(b.delay(attempt))
	if b.closeEnd && !expires.IsZero() && now.Before(expires) {
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
