package call

import "time"

// clock turns our receive times into the operator's clock: by the smallest
// delay with which any of the call's timed notifications came. Thus an
// estimate from a receive time stays right under a skewed clock, a wrongly
// configured zone and a delivery years later; a plain receive time, which was
// rejected, would have such a caller wait for years.
type clock struct {
	delay time.Duration // received − own time
	known bool
	last  time.Time // the latest own time: nothing estimated lies before it
	rang  time.Time // the latest own time of a showing or hiding

	firstCame, lastCame time.Time // receive times, of whatever event
}

func newClock(events []Event) clock {
	var c clock
	for _, e := range events {
		c.firstCame, c.lastCame = earliest(c.firstCame, e.ReceivedAt), latest(c.lastCame, e.ReceivedAt)
		if e.State == Showing || e.State == Hiding {
			c.rang = latest(c.rang, e.StartedAt)
		}
		if e.StartedAt.IsZero() {
			continue
		}
		if d := e.ReceivedAt.Sub(e.StartedAt); !c.known || d < c.delay {
			c.delay, c.known = d, true
		}
		c.last = latest(c.last, e.StartedAt)
	}
	return c
}

// received is the event's receive time on the operator's clock, in whole
// seconds, which is the platform's resolution; never before notBefore.
func (c clock) received(e Event, notBefore time.Time) time.Time {
	return latest(e.ReceivedAt.Add(-c.delay).Truncate(time.Second), notBefore)
}

// at is the event's own time, else its receive time on the operator's clock.
func (c clock) at(e Event, notBefore time.Time) time.Time {
	if !e.StartedAt.IsZero() {
		return e.StartedAt
	}
	return c.received(e, notBefore)
}

// longAfter is how late every notification of a call must have come for it to be
// taken as a late delivery.
const longAfter = 2 * time.Minute

// inOnePiece reports that all of a call's notifications came together and long
// after what they tell of, so that their receive times say nothing of its end.
func (c clock) inOnePiece(within time.Duration) bool {
	return c.known && c.delay >= longAfter && c.lastCame.Sub(c.firstCame) < within
}
