package custody

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Result is what was found of a day.
type Result string

// Results.
const (
	Same     Result = "same"     // as it was sealed
	Differs  Result = "differs"  // steps were altered, added or taken out since it was sealed
	Added    Result = "added"    // steps of a day that had none when later days were sealed
	Unsealed Result = "unsealed" // over for two days, and not sealed: serve does it
	Waiting  Result = "waiting"  // not over for long, and not sealed yet
)

// Found is whether a result is one to look into.
func (r Result) Found() bool { return r == Differs || r == Added || r == Unsealed }

// Checked is a day and what was found of it.
type Checked struct {
	Day    string `json:"day"` // UTC
	Result Result `json:"result"`
	Sum           // as it is
	Sealed *Sum   `json:"sealed"` // as it was sealed; nil: it was not
	At     string `json:"sealed_at,omitempty"`
}

// patience is how long after its end a day may be unsealed.
const patience = 48 * time.Hour

// Verify compares what the days from from to to come to with their seals, and
// gives each day that has a seal or steps, in order. The seals must be all there
// are, and in an audit that was verified. Of several seals of a day, as where an
// audit was begun anew, the first that differs counts.
func Verify(ctx context.Context, rows Rows, seals []Seal, from, to, now time.Time) ([]Checked, error) {
	sums, err := Sums(ctx, rows, from, to)
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

// unsealed judges a day that has steps and no seal. Where no day has one, nothing
// can be said.
func unsealed(day, newest string, now time.Time) Result {
	begin, _ := time.Parse(time.DateOnly, day)
	switch {
	case newest == "":
		return Waiting
	case day < newest:
		return Added
	case now.Sub(begin.AddDate(0, 0, 1)) > patience:
		return Unsealed
	}
	return Waiting
}
