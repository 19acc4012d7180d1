package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse/calls"
)

func internalCall() call.Record {
	started := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	r := call.Record{
		CallID: 1, Direction: call.Internal, Outcome: call.Answered, StartedAt: started, EndedAt: started.Add(time.Minute), HungUp: call.UnknownSide,
		Caller: call.Member{AccountID: "883140777828301", Extension: "101", Name: "Анна"}, Callee: call.Member{AccountID: "883140777828302", Name: "Борис"},
	}
	r.Legs = []call.Leg{{Kind: call.Workplace, Caller: r.Caller, Callee: r.Callee}}
	return r
}

func TestListsSayWhoCalledWhomInternally(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	r := internalCall()
	if cells := callCells(r, 0, surroundings{}); !slices.Contains(cells, "101 > Борис") {
		t.Errorf("%q", cells)
	}
	if err := printCall(&shown, calls.Detail{Record: r}, surroundings{}); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"caller            101 Анна 883140777828301\n", "callee            Борис 883140777828302\n"} {
		if !strings.Contains(shown.String(), line) {
			t.Errorf("%q is not in\n%s", line, shown.String())
		}
	}
	doc, _ := json.Marshal(detailJSON(calls.Detail{Record: r}, surroundings{}))
	const sides = `"caller":"883140777828301","caller_extension":"101","caller_name":"Анна","callee":"883140777828302","callee_extension":"","callee_name":"Борис"`
	if strings.Count(string(doc), sides) != 2 { // of the call and of its leg
		t.Errorf("%s", doc)
	}
}

func TestShowingWhatARecordingTellsOfACallWithoutAnEnd(t *testing.T) {
	t.Parallel()
	const line = "talk at least     0:40, as its recording plays\n"
	for name, c := range map[string]struct {
		change func(*calls.Detail)
		want   bool
	}{
		"ended by inference": {func(*calls.Detail) {}, true},
		"goes on":            {func(d *calls.Detail) { d.Record.Partial, d.Record.EndedAt = false, time.Time{} }, true},
		"its end is known":   {func(d *calls.Detail) { d.Record.Partial = false }, false},
		"two recordings":     {func(d *calls.Detail) { d.Record.Recordings = []string{"a", "b"} }, false},
		"not archived":       {func(d *calls.Detail) { d.Recordings[0].Duration = 0 }, false},
		"not in the list":    {func(d *calls.Detail) { d.Recordings = nil }, false},
	} {
		r := internalCall()
		r.Partial, r.Recordings = true, []string{"a"}
		d := calls.Detail{Record: r, Recordings: []call.RecordingStatus{{State: call.Archived, Duration: 40 * time.Second}}}
		c.change(&d)
		var shown strings.Builder
		if err := printCall(&shown, d, surroundings{}); err != nil {
			t.Fatal(err)
		}
		doc, _ := json.Marshal(detailJSON(d, surroundings{}))
		if strings.Contains(shown.String(), line) != c.want || strings.Contains(string(doc), `"talk_at_least_ms":40000`) != c.want {
			t.Errorf("%s:\n%s\n%s", name, shown.String(), doc)
		}
	}
}

func TestShowingAnAutomaton(t *testing.T) {
	t.Parallel()
	r := internalCall()
	r.Direction, r.Outcome, r.Attendant = call.Incoming, call.Missed, 30*time.Second
	var shown strings.Builder
	if err := printCall(&shown, calls.Detail{Record: r}, surroundings{}); err != nil || !strings.Contains(shown.String(), "attendant         0:30, an automaton\n") || strings.Contains(shown.String(), "caller") {
		t.Errorf("%v\n%s", err, shown.String())
	}
}
