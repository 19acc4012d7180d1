package intake_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fonoteka/internal/intake"
	"fonoteka/internal/spool"
)

// door lets through who bears its header.
type door struct {
	ask   bool
	knows atomic.Int64
}

func (d *door) AllowPost(r *http.Request) bool  { return r.Header.Get("X-From") == "operator" }
func (d *door) AllowProbe(*http.Request) bool   { return d.ask }
func (d *door) MarkAuthenticated(*http.Request) { d.knows.Add(1) }

func (d *door) OwnProbe(r *http.Request) bool { return r.Header.Get("X-Own") != "" }

func TestPreviousPathIsServedUntilItEndsAndIsSeen(t *testing.T) {
	t.Parallel()
	var now atomic.Pointer[time.Time]
	at := func(day int) { t := time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC); now.Store(&t) }
	at(1)
	s := serve(t, intake.Options{
		Now: func() time.Time { return *now.Load() },
		Integrations: []intake.Integration{{
			Name: "main", Path: hook, PreviousPath: "/mtt/former", PreviousUntil: time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC),
		}},
	}, spool.Options{})
	for range 2 {
		if status, _, _ := s.do("POST", "/mtt/former/events", notification); status != 200 {
			t.Errorf("in time: status %d", status)
		}
	}
	at(8)
	if status, _, _ := s.do("POST", "/mtt/former/events", notification); status != 404 {
		t.Errorf("after its end: status %d", status)
	}
	if status, _, _ := s.do("POST", hook+"/events", notification); status != 200 {
		t.Errorf("the new one: status %d", status)
	}
	s.counted("kept", 3)
	s.counted("misdirected", 1)
	recs := s.records()
	if len(recs) != 3 || recs[0].Integration != "main" {
		t.Errorf("%d records", len(recs))
	}
	if log := s.log.String(); strings.Count(log, "previous redirect uri") != 1 || strings.Contains(log, "former") {
		t.Errorf("log: %s", log)
	}
	s.lint()
}

func TestForeignNetworksAreToldNothingAndSeen(t *testing.T) {
	t.Parallel()
	d := &door{ask: true}
	s := serve(t, intake.Options{Guard: d}, spool.Options{})
	status, header, body := s.do("POST", hook+"/events", notification)
	unknown, other, text := s.do("POST", "/mtt/wrong", "{}")
	if status != unknown || body != text || header.Get("Content-Type") != other.Get("Content-Type") {
		t.Errorf("status %d %q, of an unknown path %d %q", status, body, unknown, text)
	}
	if status, _, _ := s.do("GET", hook, ""); status != 200 {
		t.Errorf("a person's browser: status %d", status)
	}
	if status, _, _ := s.do("POST", hook, notification, "X-From", "operator"); status != 200 {
		t.Errorf("the operator: status %d", status)
	}
	if status, other, body := s.do("POST", hook+"/events", "", "X-Own", "yes"); status != unknown || body != text || other.Get("Content-Type") != header.Get("Content-Type") {
		t.Errorf("our own: status %d %q", status, body)
	}
	s.counted("foreign", 1)
	s.counted("not_found", 2)
	s.counted("kept", 1)
	if n := d.knows.Load(); n != 4 {
		t.Errorf("%d of 4 knew the path", n)
	}
	if !strings.Contains(s.log.String(), "network that is not allowed") {
		t.Error("not logged")
	}
}

func TestOriginsEventsAreTakenFromTheOperatorByChoice(t *testing.T) {
	t.Parallel()
	for _, of := range []string{"", "second"} {
		s := serve(t, intake.Options{Guard: &door{ask: true}, OriginEvents: of}, spool.Options{})
		want := map[bool]int{false: 404, true: 200}[of != ""]
		if status, _, _ := s.do("POST", "/events", notification, "X-From", "operator"); status != want {
			t.Errorf("%q: the operator: status %d", of, status)
		}
		if status, _, _ := s.do("POST", "/events", notification); status != 404 {
			t.Errorf("%q: a stranger: status %d", of, status)
		}
		if status, _, _ := s.do("GET", "/events", "", "X-From", "operator"); status != 404 {
			t.Errorf("%q: a look: status %d", of, status)
		}
		if recs := s.records(); of != "" && (len(recs) != 1 || recs[0].Integration != "second") {
			t.Errorf("kept: %v", recs)
		}
		s.counted("misdirected", map[bool]int{false: 2, true: 1}[of != ""])
	}
}

func TestStrangersInExcessAreNotLookedAt(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{Guard: &door{}}, spool.Options{})
	if status, _, _ := s.do("POST", "/wrong", notification); status != 404 {
		t.Errorf("status %d", status)
	}
	s.counted("misdirected", 0)
	s.counted("not_found", 1)
}

func TestDoorsThatContradictAreRefused(t *testing.T) {
	t.Parallel()
	keep := func(context.Context, spool.Record) (uint64, error) { return 1, nil }
	in := intake.Integration{Name: "a", Path: "/a"}
	until := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, o := range map[string]intake.Options{
		"origin without a door": {Append: keep, Integrations: []intake.Integration{in}, OriginEvents: "a"},
		"origin of nobody":      {Append: keep, Integrations: []intake.Integration{in}, OriginEvents: "b", Guard: &door{}},
		"endless":               {Append: keep, Integrations: []intake.Integration{{Name: "a", Path: "/a", PreviousPath: "/b"}}},
		"end of nothing":        {Append: keep, Integrations: []intake.Integration{{Name: "a", Path: "/a", PreviousUntil: until}}},
		"previous is another's": {Append: keep, Integrations: []intake.Integration{in, {Name: "b", Path: "/b", PreviousPath: "/a", PreviousUntil: until}}},
	} {
		if _, err := intake.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
