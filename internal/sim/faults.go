package sim

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
)

// Faults are probabilities, 0 to 1, of what may go wrong on the operator's side
// and on the way. Those of downloads exclude each other per recording: together
// they are the share of recordings whose first one to three tries fail. Every
// later try succeeds.
type Faults struct {
	Duplicate float64 // a notification is posted a second time, at once or later
	Shuffle   float64 // a notification changes its place with another one of the run
	Delay     float64 // a notification is posted up to 5 s later

	// What the operator's page does not rule out.
	Unknown     float64 // a call is told with states and fields that nobody knows
	Unconnected float64 // a talk's "connected" is not sent; its duration is
	Reuse       float64 // a border controller's Call-ID was another call's more than a day ago: that one is told as well

	NotFound    float64 // downloads: 404
	ServerError float64 // 500, 502, 503
	Cut         float64 // the body ends before its Content-Length
	Stall       float64 // the body stands still half-way, then goes on
	HTML        float64 // 200 with a page in HTML
}

func (f *Faults) fields() map[string]*float64 {
	return map[string]*float64{
		"duplicate": &f.Duplicate, "shuffle": &f.Shuffle, "delay": &f.Delay,
		"unknown": &f.Unknown, "unconnected": &f.Unconnected, "reuse": &f.Reuse,
		"404": &f.NotFound, "5xx": &f.ServerError, "cut": &f.Cut, "stall": &f.Stall, "html": &f.HTML,
	}
}

// ParseFaults reads "name=probability,…", where a preset – none, some, hard,
// odd – may stand first: "hard,shuffle=0". Names: duplicate, shuffle, delay,
// unknown, unconnected, reuse, 404, 5xx, cut, stall, html.
func ParseFaults(text string) (Faults, error) {
	var f Faults
	for item := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(item), "=")
		if !found {
			preset, err := presetFaults(name)
			if err != nil {
				return Faults{}, err
			}
			f = preset
			continue
		}
		field := f.fields()[name]
		if field == nil {
			return Faults{}, fmt.Errorf("sim: unknown fault %q: known are %s", name, faultNames())
		}
		p, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return Faults{}, fmt.Errorf("sim: fault %s: %q is not a number", name, value)
		}
		*field = p
	}
	if err := f.validate(); err != nil {
		return Faults{}, fmt.Errorf("sim: %w", err)
	}
	return f, nil
}

func presetFaults(name string) (Faults, error) {
	switch name {
	case "", "none":
		return Faults{}, nil
	case "some":
		return Faults{
			Duplicate: 0.1, Shuffle: 0.2, Delay: 0.05,
			NotFound: 0.02, ServerError: 0.01, Cut: 0.01, Stall: 0.005, HTML: 0.005,
		}, nil
	case "odd":
		return Faults{Unknown: 0.2, Unconnected: 0.1, Reuse: 0.2}, nil
	case "hard":
		return Faults{
			Duplicate: 1.0 / 3, Shuffle: 1, Delay: 0.1,
			NotFound: 0.1, ServerError: 0.1, Cut: 0.1, Stall: 0.05, HTML: 0.05,
		}, nil
	}
	return Faults{}, fmt.Errorf("sim: unknown fault preset %q: known are none, some, hard, odd; single faults are written name=probability with %s", name, faultNames())
}

func faultNames() string {
	var names []string
	for name := range (&Faults{}).fields() {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

func (f Faults) validate() error {
	for name, p := range f.fields() {
		if !(*p >= 0 && *p <= 1) {
			return fmt.Errorf("%s=%v is not between 0 and 1", name, *p)
		}
	}
	if sum := f.NotFound + f.ServerError + f.Cut + f.Stall + f.HTML; sum > 1 {
		return fmt.Errorf("the faults of downloads add up to %v, more than 1", sum)
	}
	return nil
}

// downloads draws what happens to the first tries of a recording.
func (f Faults) downloads(r *rand.Rand) []string {
	u := r.Float64()
	for _, k := range []struct {
		name string
		p    float64
	}{{"404", f.NotFound}, {"5xx", f.ServerError}, {"cut", f.Cut}, {"stall", f.Stall}, {"html", f.HTML}} {
		if u -= k.p; u >= 0 {
			continue
		}
		tries := make([]string, 1+r.IntN(3))
		for i := range tries {
			tries[i] = k.name
		}
		return tries
	}
	return nil
}
