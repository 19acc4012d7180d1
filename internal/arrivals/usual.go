package arrivals

import (
	"maps"
	"slices"
	"time"
)

const (
	week  = 7 * 24 * time.Hour
	weeks = 8                   // that make up the usual level
	month = 30 * 24 * time.Hour // as far back as the warehouse knows when something came in
)

// Standing is how the arrivals of an integration compare with the usual.
type Standing struct {
	Integration string
	Last        time.Time     // when the last notification of a call came; zero: none in the last 30 days
	Silence     time.Duration // since then; 30 days if none came in them

	// Learned is false in the first week of an installation: nothing is usual
	// yet, and the figures below are 0.
	Learned bool
	Missing float64 // calls that usually begin in a span such as this silence
	Day     float64 // calls that began in the last 24 hours
	Usual   float64 // calls that usually begin in such 24 hours

	Zone Zone
}

// When a silence, a day with few calls, or a clock that is off is told. doctor and the alert rules
// (deploy/prometheus) have the same numbers.
const (
	SilenceSpan  = 15 * time.Minute // a silence is longer
	SilenceCalls = 10               // and so many calls usually begin in it
	FewShare     = 0.3              // few calls are less than this part of the usual
	FewCalls     = 50               // where so many are usual in a day
	SkewLimit    = 2 * time.Minute  // notifications come so much later than what they tell
)

// Silent reports whether too much is missing for the silence to be chance.
func (s Standing) Silent() bool {
	return s.Learned && s.Silence > SilenceSpan && s.Missing >= SilenceCalls
}

// Few reports whether far fewer calls came within a day than usually do.
func (s Standing) Few() bool {
	return s.Learned && s.Usual >= FewCalls && s.Day < FewShare*s.Usual
}

// usual is how many calls began in which hour.
type usual struct {
	first time.Time // hour
	hours map[hour]float64
}

// hour is a whole hour since 1970 in UTC. Times are no keys: two of one moment
// differ where their locations do.
type hour int64

func hourOf(t time.Time) hour { return hour(t.Unix() / 3600) }

func usualOf(rows []CallsInHour) map[string]usual {
	out := map[string]usual{}
	for _, r := range rows {
		u, known := out[r.Integration]
		if !known {
			u = usual{r.Hour, map[hour]float64{}}
		}
		u.hours[hourOf(r.Hour)] = float64(r.Calls)
		out[r.Integration] = u
	}
	return out
}

// in is how many calls usually begin from one time to another: the mean of the
// same span in the weeks before; false before there was a whole week.
func (u usual) in(from, to time.Time) (float64, bool) {
	n, sum := 0, 0.0
	for k := time.Duration(1); k <= weeks; k++ {
		if a := from.Add(-k * week); !a.Before(u.first) {
			sum += u.counted(a, to.Add(-k*week))
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	return sum / float64(n), true
}

// counted takes calls as spread evenly over their hour.
func (u usual) counted(from, to time.Time) (sum float64) {
	for h := from.Truncate(time.Hour); h.Before(to); h = h.Add(time.Hour) {
		begin, end := h, h.Add(time.Hour)
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		sum += u.hours[hourOf(h)] * end.Sub(begin).Hours()
	}
	return sum
}

func (l look) standing() []Standing {
	names := maps.Clone(l.last)
	for name, u := range l.usual {
		if _, ok := names[name]; !ok {
			names[name] = u.first
		}
	}
	var out []Standing
	for _, name := range slices.Sorted(maps.Keys(names)) {
		s := Standing{Integration: name, Last: l.last[name], Zone: l.zones[name]}
		if s.Last.IsZero() {
			s.Silence = month
		} else {
			s.Silence = max(l.at.Sub(s.Last), 0)
		}
		if u, known := l.usual[name]; known {
			s.Day = u.counted(l.at.Add(-24*time.Hour), l.at)
			s.Usual, s.Learned = u.in(l.at.Add(-24*time.Hour), l.at)
			s.Missing, _ = u.in(l.at.Add(-min(s.Silence, week)), l.at)
		}
		out = append(out, s)
	}
	return out
}
