package sim_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/sim"
)

var noon = time.Date(2026, 1, 29, 9, 0, 0, 0, time.UTC) // a Thursday

func newSim(t *testing.T, opts sim.Options) *sim.Sim {
	t.Helper()
	if opts.Start.IsZero() {
		opts.Start = noon
	}
	s, err := sim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rows(s *sim.Sim) []sim.LedgerCall {
	var out []sim.LedgerCall
	for _, c := range s.Calls() {
		out = append(out, c.Ledger())
	}
	return out
}

func TestSameOptionsGiveTheSameCallsBodiesAndRecordings(t *testing.T) {
	t.Parallel()
	a, b := newSim(t, sim.Options{Seed: 7, Calls: 60}), newSim(t, sim.Options{Seed: 7, Calls: 60})
	if diff := cmp.Diff(rows(a), rows(b)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(a.Notifications(), b.Notifications()); diff != "" {
		t.Error(diff)
	}
	other := newSim(t, sim.Options{Seed: 8, Calls: 60})
	for i, c := range other.Calls() {
		if c.PlatformID == a.Calls()[i].PlatformID {
			t.Errorf("call %d has id %s under two seeds", i, c.PlatformID)
		}
	}
}

func TestStartMovesTimesAndNothingElse(t *testing.T) {
	t.Parallel()
	const later = 40 * time.Hour
	a := rows(newSim(t, sim.Options{Seed: 7, Calls: 60}))
	b := rows(newSim(t, sim.Options{Seed: 7, Calls: 60, Start: noon.Add(later)}))
	for i := range a {
		a[i].StartedAt = a[i].StartedAt.Add(later)
		for j := range a[i].Legs {
			a[i].Legs[j].StartedAt = a[i].Legs[j].StartedAt.Add(later)
		}
		for j := range a[i].Recordings {
			a[i].Recordings[j].URL, b[i].Recordings[j].URL = "", "" // bears the date
		}
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
}

func TestFewCallsShowEveryKind(t *testing.T) {
	t.Parallel()
	seen := map[sim.Kind]bool{}
	for _, c := range newSim(t, sim.Options{Seed: 1, Calls: 15}).Calls() {
		seen[c.Kind] = true
	}
	if len(seen) != 15 {
		t.Errorf("15 calls show %d kinds: %v", len(seen), seen)
	}
}

func TestCallsNowHaveJustEndedOrJustBegin(t *testing.T) {
	t.Parallel()
	for i, c := range newSim(t, sim.Options{Seed: 1, Calls: 50, Rate: 2}).Calls() {
		posted := noon.Add(time.Duration(i) * time.Second / 2)
		end := c.StartedAt
		for _, n := range c.Notifications {
			if n.State != "recorded" {
				end = latest(end, c.StartedAt.Add(n.After))
			}
		}
		if end.After(posted) || posted.Sub(end) > time.Second {
			t.Errorf("call %d ends %s and is posted %s", i, end, posted)
		}
	}
	for i, c := range newSim(t, sim.Options{Seed: 1, Calls: 50, Rate: 2, Speed: 1}).Calls() {
		if late := noon.Add(time.Duration(i) * time.Second / 2).Sub(c.StartedAt); late < 0 || late >= time.Second {
			t.Errorf("call %d starts %s away from its posting", i, late)
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func TestPastCallsKeepOfficeHoursAndDatedLinks(t *testing.T) {
	t.Parallel()
	s := newSim(t, sim.Options{Seed: 3, Calls: 2000, Since: noon.AddDate(0, 0, -14)})
	outside, last := 0, time.Time{}
	for i, c := range s.Calls() {
		local := c.StartedAt.Add(3 * time.Hour)
		if d := local.Weekday(); d == time.Saturday || d == time.Sunday || local.Hour() < 9 || local.Hour() >= 19 {
			outside++
			if i >= 15 && c.Kind != sim.AfterHours {
				t.Errorf("%s at %s", c.Kind, local)
			}
		}
		if c.StartedAt.Before(last) || c.StartedAt.After(noon) || c.StartedAt.Before(noon.AddDate(0, 0, -14)) {
			t.Errorf("call %d starts %s after one of %s", i, c.StartedAt, last)
		}
		last = c.StartedAt
		for _, rec := range c.Recordings {
			if !strings.Contains(rec.URL, "/records/67821426/"+c.StartedAt.Format("2006/01/02/")) && c.StartedAt.Hour() != 23 {
				t.Errorf("call of %s is recorded at %s", c.StartedAt, rec.URL)
			}
		}
	}
	if outside < 40 || outside > 400 {
		t.Errorf("%d of 2000 calls outside office hours", outside)
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, opts := range []sim.Options{
		{Calls: -1},
		{Rate: -1},
		{Start: noon, Since: noon},
		{Faults: sim.Faults{Cut: 0.6, HTML: 0.6}},
		{Faults: sim.Faults{Shuffle: 2}},
	} {
		if _, err := sim.New(opts); err == nil {
			t.Errorf("accepted %+v", opts)
		}
	}
}

func TestNothingOfTheProductIsImported(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range f.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			// testenv knows the machine that tests run on, and nothing of the product.
			own := strings.HasSuffix(file, "_test.go") && (strings.HasSuffix(path, "/internal/sim") || strings.HasSuffix(path, "/internal/testenv"))
			// Of a module nobody but itself imports what is internal.
			if (strings.Contains(path, "/internal/") || strings.HasSuffix(path, "/schema")) && !own {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
}

func TestEveryNotificationIsItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, body := range newSim(t, sim.Options{Seed: 2, Calls: 2000}).Notifications() {
		if seen[string(body)] && !bytes.Contains(body, []byte("vpbxNotifications")) {
			t.Fatalf("twice: %s", body)
		}
		seen[string(body)] = true
	}
}
