package correlate

import (
	"slices"
	"time"

	"fonoteka/internal/call"
)

// made finds the calls that our makeCalls caused.
func (f *finder) made() {
	var open [][2]int
	for i, a := range f.actions {
		if a.Kind != Make {
			continue
		}
		if a.PlatformCallID != "" {
			if c, ok := f.of(a); ok {
				f.firstLegs[i] = c
				f.own(i, c, Certain, "the operator returned its id to our makeCall")
			}
			continue // its call may not have been notified yet; no other one is it
		}
		for _, c := range f.around(a.Integration, a.Number, Near, a.At) {
			if f.at(c, a.AccountID) {
				open = append(open, [2]int{i, c})
			}
		}
	}
	for _, e := range only(open) {
		if f.owned[e[1]] {
			continue
		}
		f.firstLegs[e[0]] = e[1]
		f.own(e[0], e[1], Inferred, "the only call of that workplace with that number within 10 s of our makeCall")
	}
}

// secondLegs finds the other call of a makeCall whose first one is known.
func (f *finder) secondLegs() {
	var edges [][2]int
	for i, first := range f.firstLegs {
		a := f.actions[i]
		answered := f.calls[first].AnsweredAt
		for _, l := range f.calls[first].Legs {
			if answered.IsZero() {
				answered = l.AnsweredAt
			}
		}
		for _, c := range f.around(a.Integration, a.Number, Near, a.At, f.calls[first].StartedAt, answered) {
			if c != first && !f.owned[c] && f.at(c, a.AccountID) {
				edges = append(edges, [2]int{i, c})
			}
		}
	}
	for _, e := range only(edges) {
		id := f.actions[e[0]].ID
		f.pair(ClickToCall, f.firstLegs[e[0]], e[1], id, "the only call of that workplace with that number within 10 s of our makeCall or of its first leg's begin or answer")
		f.own(e[0], e[1], Inferred, "the other leg of our makeCall")
	}
}

// transferred finds the calls that our transferCalls led to.
func (f *finder) transferred() {
	firsts := map[int]int{}
	var edges [][2]int
	for i, a := range f.actions {
		if a.Kind != Transfer {
			continue
		}
		first, ok := f.of(a)
		if !ok {
			continue
		}
		firsts[i] = first
		for _, c := range f.ledTo(first, a) {
			edges = append(edges, [2]int{i, c})
		}
	}
	for _, e := range only(edges) {
		f.pair(Transfer, firsts[e[0]], e[1], f.actions[e[0]].ID, "the only call within 10 s of our transferCall with its client at its target, or with its target at the same workplace")
	}
}

// ledTo returns the calls that a transfer of first may have led to: its client at the
// target, or its workplace with the target.
func (f *finder) ledTo(first int, a Action) []int {
	var out []int
	for _, c := range f.around(a.Integration, f.calls[first].ClientNumber.Digits, Near, a.At) {
		if c != first && f.at(c, a.Number) {
			out = append(out, c)
		}
	}
	for _, c := range f.around(a.Integration, a.Number, Near, a.At) {
		if c != first && !slices.Contains(out, c) && f.shareSeat(c, first) {
			out = append(out, c)
		}
	}
	return out
}

func (f *finder) shareSeat(a, b int) bool {
	for seat := range f.seats[a] {
		if f.seats[b][seat] {
			return true
		}
	}
	return false
}

// forwarded finds the calls that the operator forwarded by itself.
func (f *finder) forwarded() {
	var edges [][2]int
	for first := range f.calls {
		found := map[int]bool{}
		for _, l := range f.calls[first].Legs {
			if l.Kind != call.Workplace {
				continue
			}
			for _, c := range f.around(f.calls[first].Integration, f.calls[first].ClientNumber.Digits, Soon, moments(l)...) {
				if c != first && !f.calls[c].StartedAt.Before(f.calls[first].StartedAt) && !found[c] && f.names(c, l) {
					found[c] = true
					edges = append(edges, [2]int{first, c})
				}
			}
		}
	}
	for _, e := range only(edges) {
		f.pair(Forwarded, e[0], e[1], "", "its forwarder list names the workplace, the client is the same, within 3 s, and no other call fits")
	}
}

// moments are the times at which a leg may have been forwarded.
func moments(l call.Leg) []time.Time {
	out := []time.Time{l.StartedAt, l.EndedAt}
	if !l.AnsweredAt.IsZero() {
		out = append(out, l.AnsweredAt.Add(l.Talk))
	}
	return out
}

// names says whether the forwarder list of a call names the account of a leg
// or its workplace.
func (f *finder) names(c int, l call.Leg) bool {
	in := f.calls[c].Integration
	seat := f.seat(in, l.AccountID, l.StartedAt)
	for _, who := range f.calls[c].Forwarders {
		id := call.ParseNumber(who, "").Digits
		if id != "" && (id == l.AccountID || id == seat || f.seat(in, id, l.StartedAt) == seat) {
			return true
		}
	}
	return false
}
