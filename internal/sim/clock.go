package sim

import (
	"sort"
	"time"
)

// office is where the company works: UTC+3, the whole year round. A fixed zone
// spares the time zone database.
var office = time.FixedZone("UTC+3", 3*60*60)

const opens, closes = 9, 19 // hours of the day in office

func working(t time.Time) bool {
	t = t.In(office)
	day := t.Weekday()
	return day != time.Saturday && day != time.Sunday && t.Hour() >= opens && t.Hour() < closes
}

// moment is when a call happens.
type moment struct {
	at     time.Time
	end    bool // at is when the call ends, not when it starts
	closed bool // nobody is in the office
}

// postAt is when call i is posted, counted from the first one.
func postAt(opts Options, i int) time.Duration {
	if opts.Rate == 0 {
		return 0
	}
	return time.Duration(float64(i) / opts.Rate * float64(time.Second))
}

// startTimes says when each call starts (or, for calls posted at once when they
// end, ends), whole seconds, in order.
func startTimes(opts Options) []time.Time {
	times := make([]time.Time, opts.Calls)
	if opts.Since.IsZero() {
		for i := range times {
			times[i] = opts.Start.Add(postAt(opts, i)).Truncate(time.Second)
		}
		return times
	}
	r := newRand(opts.Seed, streamClock, 0)
	span := opts.Start.Sub(opts.Since)
	if span > time.Hour {
		span -= 20 * time.Minute // the last call is over by now
	}
	for i := range times {
		// 92 % by working hours; a span without any takes what it gets.
		for range 60 {
			times[i] = opts.Since.Add(time.Duration(r.Float64() * float64(span))).Truncate(time.Second)
			if working(times[i]) || r.IntN(100) < 2 {
				break
			}
		}
	}
	sort.Slice(times, func(i, j int) bool { return times[i].Before(times[j]) })
	return times
}
