package call_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/call/calltest"
	"fonoteka/internal/correlate"
	"fonoteka/internal/mtt"
)

// allOrders is how many notifications are delivered in all orders there are; of
// more, sampled are drawn.
const (
	allOrders = 7
	sampled   = 2000
)

// Each story as it is told, in other orders, with each notification doubled,
// and with each one missing.
func TestStories(t *testing.T) {
	t.Parallel()
	stories := calltest.Read(t, "testdata/stories")
	if len(stories) < 67 {
		t.Errorf("%d stories", len(stories))
	}
	for _, s := range stories {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			events := decode(t, s)
			told(t, s, events)
			inEveryOrder(t, s, events)
			doubled(t, s, events)
			toldAnew(t, s, events)
			missing(t, s, events)
			linked(t, s, events)
		})
	}
}

func decode(t *testing.T, s calltest.Story) []call.Event {
	t.Helper()
	var events []call.Event
	for _, n := range s.Notes {
		e, err := mtt.Decode(n.Body, mtt.Context{Integration: s.Name, ReceivedAt: n.ReceivedAt, Zone: s.Zone})
		if err != nil {
			t.Fatalf("line %d: %v", n.Line, err)
		}
		events = append(events, e)
	}
	return events
}

// derive is what is seen once a silence has ended what was open. What is not
// ended so must have been as complete before.
func derive(t *testing.T, s calltest.Story, events []call.Event) calltest.Picture {
	t.Helper()
	before, after := byCall(events, s.Rules), s.Rules
	after.EndOpen = true
	records := byCall(events, after)
	for i, r := range records {
		switch changed := !cmp.Equal(before[i], r); {
		case changed && !r.Partial:
			t.Errorf("the silence changed a call that it did not end:\n%s", cmp.Diff(before[i], r))
		case changed && (!before[i].GoingOn() || before[i].Partial):
			t.Errorf("ended by inference, and yet it had ended at %v before", before[i].EndedAt)
		case r.GoingOn():
			t.Errorf("it never ends: %+v", r)
		}
	}
	return s.See(records)
}

// byCall derives each base id for itself, as the warehouse's groups are.
func byCall(events []call.Event, rules call.Rules) []call.Record {
	groups := map[uint64][]call.Event{}
	for _, e := range events {
		groups[e.GroupID()] = append(groups[e.GroupID()], e)
	}
	var records []call.Record
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		records = append(records, call.Derive(groups[id], rules)...)
	}
	return records
}

func told(t *testing.T, s calltest.Story, events []call.Event) {
	t.Helper()
	if diff := cmp.Diff(s.Calls, derive(t, s, events)); diff != "" {
		t.Errorf("%s (-told +derived):\n%s", s.Title, diff)
	}
}

// inEveryOrder hands the notifications over in other orders, as they came; and
// delivers them in other orders, at the moments at which any came: then what is
// declared to rest on receive times may differ, and nothing else.
func inEveryOrder(t *testing.T, s calltest.Story, events []call.Event) {
	t.Helper()
	want, rules := certain(s.Calls), s.Rules
	rules.EndOpen = true
	records := byCall(events, rules)
	for _, order := range orders(s, events) {
		handed, delivered := make([]call.Event, len(order)), make([]call.Event, len(order))
		for i, from := range order {
			handed[i], delivered[i] = events[from], events[from]
			delivered[i].ReceivedAt = events[i].ReceivedAt
		}
		if got := byCall(handed, rules); !reflect.DeepEqual(records, got) {
			t.Fatalf("handed over in the order %v (-in order +so):\n%s", order, cmp.Diff(records, got))
		}
		if got := certain(s.See(byCall(delivered, rules))); !reflect.DeepEqual(want, got) {
			t.Fatalf("delivered in the order %v (-told +derived):\n%s", order, cmp.Diff(want, got))
		}
	}
}

// certain drops what rests on receive times by declaration.
func certain(p calltest.Picture) calltest.Picture {
	out := calltest.Picture{}
	endless := func(leg string) bool { // its call's end rests on receive times
		for subject, f := range p {
			id, isCall := strings.CutPrefix(subject, "call ")
			id, _, _ = strings.Cut(id, "#")
			if isCall && f["end-inexact"] != "" && strings.HasPrefix(leg, "leg "+id) {
				return true
			}
		}
		return false
	}
	for subject, fields := range p {
		f := maps.Clone(fields)
		if f["end-inexact"] != "" {
			delete(f, "ended")
			if f["answered"] == "" {
				delete(f, "wait")
			}
			if f["outcome"] == string(call.Abandoned) {
				f["outcome"] = string(call.Missed)
			}
		}
		if f["talk-inexact"] != "" {
			delete(f, "talk")
		}
		if isLeg := f["direction"] == ""; isLeg && (f["answered"] == "" || f["talk-inexact"] != "" || endless(subject)) {
			delete(f, "ended")
		}
		out[subject] = f
	}
	return out
}

// orders are permutations of the indices; where notifications an hour apart keep
// their order, only those between are shuffled.
func orders(s calltest.Story, events []call.Event) [][]int {
	groups := [][]int{{}}
	for i, e := range events {
		if s.InTurn && i > 0 && e.ReceivedAt.Sub(events[i-1].ReceivedAt) > time.Hour {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], i)
	}
	if len(events) <= allOrders && len(groups) == 1 {
		return permutations(len(events))
	}
	rng := rand.New(rand.NewPCG(1, 1))
	out := make([][]int, sampled)
	for i := range out {
		for _, g := range groups {
			g := slices.Clone(g)
			rng.Shuffle(len(g), func(i, j int) { g[i], g[j] = g[j], g[i] })
			out[i] = append(out[i], g...)
		}
	}
	return out
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for at := range n {
			out = append(out, slices.Insert(slices.Clone(p), at, n-1))
		}
	}
	return out
}

func doubled(t *testing.T, s calltest.Story, events []call.Event) {
	t.Helper()
	for i, e := range events {
		for _, later := range []time.Duration{0, time.Second, 24 * time.Hour, 400 * 24 * time.Hour} {
			again := e
			again.ReceivedAt = e.ReceivedAt.Add(later)
			if diff := cmp.Diff(s.Calls, derive(t, s, append([]call.Event{again}, events...))); diff != "" {
				t.Errorf("notification %d came again %v later (-told +derived):\n%s", i+1, later, diff)
			}
		}
	}
}

// toldAnew delivers each notification once more, later and serialised otherwise:
// keys in another order and spelling, numbers as text, other white space.
func toldAnew(t *testing.T, s calltest.Story, events []call.Event) {
	t.Helper()
	for i, n := range s.Notes {
		body := anew(t, n.Body)
		e, err := mtt.Decode(body, mtt.Context{Integration: s.Name, ReceivedAt: n.ReceivedAt.Add(time.Minute), Zone: s.Zone})
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == call.KindCall && e.ID == events[i].ID {
			t.Fatalf("notification %d is the same, byte by byte: %s", i+1, body)
		}
		if diff := cmp.Diff(s.Calls, derive(t, s, append([]call.Event{e}, events...))); diff != "" {
			t.Errorf("notification %d came again as %s (-told +derived):\n%s", i+1, body, diff)
		}
	}
}

// anew writes JSON otherwise, and says the same.
func anew(t *testing.T, body []byte) []byte {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	var write func(v any)
	write = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			names := slices.Sorted(maps.Keys(v))
			slices.Reverse(names)
			for i, name := range names {
				fmt.Fprintf(&b, "%c\n %q : ", "{,"[min(i, 1)], strings.ToUpper(name))
				write(v[name])
			}
			if len(names) == 0 {
				b.WriteString("{ ")
			}
			b.WriteString(" }")
		case []any:
			for i, v := range v {
				fmt.Fprintf(&b, "%c ", "[,"[min(i, 1)])
				write(v)
			}
			if len(v) == 0 {
				b.WriteString("[ ")
			}
			b.WriteString(" ]")
		case json.Number:
			fmt.Fprintf(&b, "\"%s.0\"", v)
		default:
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(text)
		}
	}
	write(v)
	return b.Bytes()
}

func missing(t *testing.T, s calltest.Story, events []call.Event) {
	t.Helper()
	for i := range events {
		got := derive(t, s, slices.Delete(slices.Clone(events), i, i+1))
		if diff := cmp.Diff(s.Without[i+1], got); diff != "" {
			t.Errorf("without notification %d (-told +derived):\n%s", i+1, diff)
		}
	}
}

// linked finds what belongs together though it stays apart.
func linked(t *testing.T, s calltest.Story, events []call.Event) {
	t.Helper()
	names := map[uint64]string{0: "-"}
	var calls []correlate.Call
	for _, r := range byCall(events, s.Rules) {
		c := correlate.Call{Record: r}
		for _, e := range events {
			if e.GroupID() == r.GroupID {
				c.Forwarders = append(append(c.Forwarders, e.Caller.Forwarders...), e.Callee.Forwarders...)
			}
		}
		calls, names[r.CallID] = append(calls, c), r.PlatformCallID
	}
	var actions []correlate.Action
	for _, a := range s.Actions {
		actions = append(actions, correlate.Action{Integration: s.Name, ID: "1", Kind: correlate.Kind(a.Kind), At: a.At, AccountID: a.AccountID, Number: a.Number, PlatformCallID: strings.TrimPrefix(a.PlatformID, "-")})
	}
	var got []string
	for _, l := range correlate.Find(calls, actions, nil) {
		got = append(got, fmt.Sprint(l.Kind, " ", l.Confidence, " ", names[l.From.CallID], " ", names[l.To.CallID]))
	}
	if diff := cmp.Diff(s.Links, got); diff != "" {
		t.Errorf("links (-told +found):\n%s", diff)
	}
}
