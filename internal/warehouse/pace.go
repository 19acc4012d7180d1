package warehouse

import "time"

// pace spreads what is done for many at once, so that under load there are few
// rounds with many in each. A question to ClickHouse costs 5 ms of a core and an
// insert 20, for one row or for hundreds. Who comes alone, and not right after a
// round with company, never waits.
type pace struct {
	began time.Time // the last round
	size  int       // of it
}

const (
	crowd = 64                    // so many come so close upon each other that a lull is their end
	lull  = 50 * time.Millisecond // in which nobody has come
)

func (p *pace) begin(size int) { p.began, p.size = time.Now(), size }

// due is when the next round, whose first one came at first, begins unless it has
// many before: each after the one before had begun, where that one had company.
// After a crowd another one is waited for, but for no longer than the lull that
// shows that it was the last.
func (p *pace) due(first time.Time, each time.Duration) (at time.Time, patience time.Duration) {
	switch {
	case p.size <= 1:
		return first, each
	case p.size < crowd:
		return p.began.Add(each), each
	default:
		return first.Add(each), lull
	}
}
