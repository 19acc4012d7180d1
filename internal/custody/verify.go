package custody

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Result of the check of a day.
type Result string

// Results.
const (
	Same     Result = "same"     // as it was sealed
	Differs  Result = "differs"  // steps were altered, added or removed since it was sealed
	Added    Result = "added"    // it has steps, but had none when later days were sealed
	Unsealed Result = "unsealed" // ended more than two days ago and is not sealed: serve should have
	Waiting  Result = "waiting"  // ended less than two days ago, or not yet, and is not sealed yet
)

// Found says whether a result is a finding.
func (r Result) Found() bool { return r == Differs || r == Added || r == Unsealed }

// Checked is a day with its result.
type Checked struct {
	Day    string `json:"day"` // UTC
	Result Result `json:"result"`
	Sum           // of its steps now
	Sealed *Sum   `json:"sealed"` // when it was sealed; nil: it is not
	At     string `json:"sealed_at,omitempty"`
}

// sealWithin is how long after its end a day may be unsealed without being a finding.
const sealWithin = 48 * time.Hour

// Verify compares the days from from to to with their seals, and returns each day that
// has a seal or steps, in order. seals must be all
// seals of an audit that was verified. Where a day has several, because an
// audit was started again, the first that differs counts.
func Verify(ctx context.Context, rows Rows, seals []Seal, from, to, now time.Time) ([]Checked, error) {
	sums, err := Heads(ctx, rows, from, to)
	if err != nil {
		return nil, err
	}
	earlier, err := earlierSums(ctx, rows, seals, from, to)
	if err != nil {
		return nil, err
	}
	days := map[string]*Checked{}
	for day, sum := range sums {
		days[day] = &Checked{Day: day, Sum: sum}
	}
	newest := ""
	for _, s := range seals {
		newest = max(newest, s.Day)
		if s.Day < Day(from) || s.Day > Day(to) {
			continue
		}
		d := days[s.Day]
		if d == nil {
			d = &Checked{Day: s.Day, Sum: noRows()}
			days[s.Day] = d
		}
		if d.Sealed == nil || d.Result == Same {
			d.Sum = sumOf(s, sums, earlier)
			d.Sealed, d.At, d.Result = &s.Sum, s.At.UTC().Format(time.RFC3339), Same
			if s.Sum != d.Sum {
				d.Result = Differs
			}
		}
	}
	var out []Checked
	for _, day := range slices.Sorted(maps.Keys(days)) {
		d := days[day]
		if d.Sealed == nil {
			d.Result = unsealed(day, newest, now)
		}
		out = append(out, *d)
	}
	return out, nil
}

// earlierSums are the sums of the days whose seals are of the form before chains were.
func earlierSums(ctx context.Context, rows Rows, seals []Seal, from, to time.Time) (map[string]Sum, error) {
	first, last := "", ""
	for _, s := range seals {
		if s.Heads || s.Day < Day(from) || s.Day > Day(to) {
			continue
		}
		if first == "" || s.Day < first {
			first = s.Day
		}
		last = max(last, s.Day)
	}
	begin, err := time.Parse(time.DateOnly, first)
	end, err2 := time.Parse(time.DateOnly, last)
	if err != nil || err2 != nil { // there are none
		return nil, nil
	}
	return Sums(ctx, rows, begin, end)
}

// sumOf is what a day comes to now, in the form of its seal.
func sumOf(s Seal, heads, earlier map[string]Sum) Sum {
	sums := heads
	if !s.Heads {
		sums = earlier
	}
	if sum, ok := sums[s.Day]; ok {
		return sum
	}
	return noRows()
}

// unsealed is the result of a day that has steps and no seal. Before the first seal
// there are no findings.
func unsealed(day, newest string, now time.Time) Result {
	begin, _ := time.Parse(time.DateOnly, day)
	switch {
	case newest == "":
		return Waiting
	case day < newest:
		return Added
	case now.Sub(begin.AddDate(0, 0, 1)) > sealWithin:
		return Unsealed
	}
	return Waiting
}
