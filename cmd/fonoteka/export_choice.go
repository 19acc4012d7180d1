package main

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/bounded"
	"fonoteka/internal/call"
	"fonoteka/internal/pack"
)

// maxIDs bounds a file of ids, bytes: a million of them.
const maxIDs = 64 << 20

// exportChoice is which calls are asked for.
func exportChoice(c *cli.Context, rules call.Rules) (s pack.Selection, err error) {
	s = pack.Selection{
		Integration: c.String("integration"), Employees: c.StringSlice("employee"), Departments: c.StringSlice("department"),
		Direction: c.String("direction"), Outcome: c.String("outcome"), WithoutQuarantine: c.Bool("without-quarantine"),
	}
	var bad []error
	bad = append(bad,
		oneOf("outcome", call.Outcome(s.Outcome), call.Answered, call.Missed, call.Abandoned, call.NoAnswer, call.UnknownOutcome),
		oneOf("direction", call.Direction(s.Direction), call.Incoming, call.Outgoing, call.Internal, call.UnknownDirection))
	for flag, into := range map[string]*pack.Time{"from": &s.From, "to": &s.To} {
		at, err := momentOf(flag, c.String(flag))
		bad = append(bad, err)
		*into = pack.At(at)
		if at.IsZero() {
			*into = pack.Time{}
		}
	}
	for _, said := range c.StringSlice("number") {
		digits := call.ParseNumber(said, rules.AreaCode).Digits
		if digits == "" {
			bad = append(bad, usage("--number: what was given is not a phone number"))
		}
		s.Numbers = append(s.Numbers, digits)
	}
	if s.IDs, err = idsOf(c); err != nil {
		bad = append(bad, err)
	}
	other := len(s.Numbers)+len(s.Employees)+len(s.Departments) > 0 || s.Direction != "" || s.Outcome != "" || !s.From.IsZero() || !s.To.IsZero()
	switch {
	case len(s.IDs) > 0 && other:
		bad = append(bad, usage("--call and --ids name each call: other choices than --integration do not go with them"))
	case len(s.IDs) == 0 && !other && s.Integration == "":
		bad = append(bad, usage("say which calls: --from, --to, --number, --employee, --department, --direction, --outcome, --call, --ids or --integration"))
	case !s.From.IsZero() && !s.To.IsZero() && !s.From.Before(s.To.Time):
		bad = append(bad, usage("--to is not after --from"))
	}
	return s, errors.Join(bad...)
}

// momentOf is a moment that stays the same when the command is started again: no span
// before now.
func momentOf(flag, said string) (time.Time, error) {
	if _, err := time.ParseDuration(said); err == nil {
		return time.Time{}, usage("--%s: give a time, not a span before now: the export may have to be continued later", flag)
	}
	return parseTime(flag, said, time.Now())
}

// idsOf are those of --call and --ids, each once, in order.
func idsOf(c *cli.Context) ([]string, error) {
	ids := c.StringSlice("call")
	if name := c.String("ids"); name != "" {
		raw, err := readIDs(name)
		if err != nil {
			return nil, usage("--ids: %w", err)
		}
		before := len(ids)
		for line := range strings.Lines(string(bytes.TrimPrefix(raw, []byte("\ufeff")))) {
			if id := strings.TrimSpace(line); id != "" {
				ids = append(ids, id)
			}
		}
		if len(ids) == before {
			return nil, usage("--ids %s: there is no id in it", name)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func readIDs(name string) ([]byte, error) {
	if name == "-" {
		return bounded.Read(os.Stdin, maxIDs)
	}
	return bounded.ReadFile(name, maxIDs)
}
