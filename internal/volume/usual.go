package volume

import (
	"maps"
	"slices"
	"time"
)

const (
	week  = 7 * 24 * time.Hour
	weeks = 8                   // that the usual level is the mean of
	month = 30 * 24 * time.Hour // how far back the last notification is looked for
)

// Comparison compares the notifications of an integration with the usual level.
type Comparison struct {
	Integration string
	Last        time.Time     // when the last notification of a call arrived; zero: none in the last 30 days
	Silence     time.Duration // since then, 30 days at most

	// Learned is false in the first week of an installation: the usual level is not
	// known yet, and Missing and Usual are 0.
	Learned bool
	Missing float64 // calls that usually begin in a span as long as this silence
	Day     float64 // calls that began in the last 24 hours
	Usual   float64 // calls that usually begin in such 24 hours

	Zone Zone
}

// The thresholds of Silent and Few, and of a clock that is off. doctor and the alert rules
// (deploy/prometheus) have the same numbers.
const (
	SilenceSpan  = 15 * time.Minute // a silence is longer than this,
	SilenceCalls = 10               // and at least so many calls usually begin in it
	FewShare     = 0.3              // few calls are less than this share of the usual number,
	FewCalls     = 50               // where at least so many are usual in a day
	SkewLimit    = 2 * time.Minute  // notifications come later by more than this than what they tell
)

// Silent reports whether too many calls are missing for the silence to be chance.
func (s Comparison) Silent() bool {
	return s.Learned && s.Silence > SilenceSpan && s.Missing >= SilenceCalls
}

// Few reports whether far fewer calls came within a day than usually do.
func (s Comparison) Few() bool {
	return s.Learned && s.Usual >= FewCalls && s.Day < FewShare*s.Usual
}

// usual is how many calls began in each hour of the last weeks.
type usual struct {
	first time.Time // the first hour with a call
	hours map[hour]float64
}

// hour counts whole hours since 1970 in UTC. time.Time cannot be the key of a map: two
// equal times differ where their locations do.
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
// same span in the weeks before; false where no whole week is known.
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

// counted is how many calls began in a span, as if the calls of an hour were spread evenly
// over it.
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

func (m measurement) standing() []Comparison {
	names := maps.Clone(m.last)
	for name, u := range m.usual {
		if _, ok := names[name]; !ok {
			names[name] = u.first
		}
	}
	var out []Comparison
	for _, name := range slices.Sorted(maps.Keys(names)) {
		s := Comparison{Integration: name, Last: m.last[name], Zone: m.zones[name]}
		if s.Last.IsZero() {
			s.Silence = month
		} else {
			s.Silence = max(m.at.Sub(s.Last), 0)
		}
		if u, known := m.usual[name]; known {
			s.Day = u.counted(m.at.Add(-24*time.Hour), m.at)
			s.Usual, s.Learned = u.in(m.at.Add(-24*time.Hour), m.at)
			s.Missing, _ = u.in(m.at.Add(-min(s.Silence, week)), m.at)
		}
		out = append(out, s)
	}
	return out
}
