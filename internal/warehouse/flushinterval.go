package warehouse

import "time"

// flushInterval spreads what is done for many callers at once, so that under load
// there are few rounds with many in each. A query to ClickHouse costs 5 ms of a core
// and an insert 20, for one row or for hundreds. A caller who comes alone, and not
// right after a round that had several, never waits.
type flushInterval struct {
	began time.Time // when the last round began
	size  int       // how many it had
}

const (
	burst     = 64                    // a round of so many was a burst: its callers come close upon each other
	burstDone = 50 * time.Millisecond // a burst is over when nobody has come for so long
)

// flushed notes that a round of so many begins.
func (f *flushInterval) flushed(size int) { f.began, f.size = time.Now(), size }

// next says when the round whose first caller came at first begins, unless it is full
// before, and how long it waits for another caller at most. Where the last round had
// several, the next one begins an interval after it. After a burst another one is
// expected: the round waits an interval from its first caller on, and ends as soon as
// the burst is over.
func (f *flushInterval) next(first time.Time, interval time.Duration) (at time.Time, idle time.Duration) {
	switch {
	case f.size <= 1:
		return first, interval
	case f.size < burst:
		return f.began.Add(interval), interval
	default:
		return first.Add(interval), burstDone
	}
}
