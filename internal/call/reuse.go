package call

import (
	"slices"
	"strings"
	"time"
)

// reuse is the silence after which a Call-ID with a time of its own begins a
// new call: border controllers give out the same id again.
const reuse = 24 * time.Hour

// A call is led on within seconds: a leg counts as open for that long after its end,
// and for longer where the next one goes into the other direction, as a call that is
// forwarded to an outside number does.
const (
	handover = 5 * time.Second
	forward  = time.Minute
)

// segments splits the sorted events of a base id where it was used again. An
// event without a time belongs to the newest call that had begun when it came
// and has its leg, else to the newest that had begun.
func segments(events []Event, rules Rules) [][]Event {
	timed := slices.IndexFunc(events, func(e Event) bool { return e.StartedAt.IsZero() }) // the sort puts these last
	if timed < 0 {
		timed = len(events)
	}
	var out [][]Event
	var last time.Time
	for _, e := range events[:timed] {
		n := len(out) - 1
		if n < 0 || e.StartedAt.Sub(last) > reuse || anotherCall(e, out[n], events[timed:], rules) {
			out, n = append(out, nil), n+1
		}
		out[n] = append(out[n], e)
		last = e.StartedAt
	}
	if len(out) == 0 && timed < len(events) {
		out = [][]Event{nil}
	}
	began, late := make([]time.Time, len(out)), false
	for i := range out {
		began[i], late = begin(out[i], late)
	}
	own := slices.Clone(out) // as the timed events alone tell, whatever the order of the others
	for _, e := range events[timed:] {
		home, hasLeg := 0, false
		for i := range began {
			if began[i].After(e.ReceivedAt) {
				continue
			}
			if has := slices.ContainsFunc(own[i], e.sameLeg); has || !hasLeg {
				home, hasLeg = i, has
			}
		}
		out[home] = append(out[home], e)
	}
	return out
}

// begin is from when on what comes may be of a call: from its own begin or the first
// event that came. Where that call or an earlier one was told of long after it, own
// times say nothing of when things came: then it is from the first event alone.
func begin(events []Event, late bool) (from time.Time, stillLate bool) {
	c := newClock(events)
	late = late || c.known && c.delay >= longAfter
	if late || len(events) == 0 {
		return c.firstCame, late
	}
	return earliest(events[0].StartedAt, c.firstCame), false
}

// anotherCall reports that a border controller has given out the id of a call again
// within a day: somebody else is tried while the call has no open leg. Ids of other
// forms are never used again. Whoever is named by both is a party of one call that is
// led on. untimed are the base id's events without a time.
func anotherCall(e Event, segment, untimed []Event, rules Rules) bool {
	if e.State != Trying || !strings.HasSuffix(BaseID(e.PlatformID), "@127.0.0.1") {
		return false
	}
	d, was := direction([]Event{e}), direction(segment)
	client, _ := numbers([]Event{e}, d, rules)
	before, _ := numbers(segment, was, rules)
	if !client.outside() || client.Digits == before.Digits || before.outside() && e.names(before.Digits) {
		return false
	}
	if slices.ContainsFunc(segment, func(s Event) bool { return s.names(client.Digits) }) {
		return false
	}
	until := e.StartedAt.Add(-handover)
	if d != was {
		until = e.StartedAt.Add(-forward)
	}
	return over(segment, untimed, until)
}

// names reports that a number is one of a party of the event.
func (e Event) names(digits string) bool {
	for _, p := range []Party{e.Caller, e.Callee} {
		for _, s := range append([]string{p.AccountID, p.DisplayID, p.DisplayName, p.ID}, p.Forwarders...) {
			if ParseNumber(s, "").Digits == digits {
				return true
			}
		}
	}
	return false
}

// over reports that every leg of a call has ended by a moment. Parking ends where
// another leg begins, ringing where somebody answers.
func over(segment, untimed []Event, until time.Time) bool {
	clock := newClock(segment)
	var answered time.Time
	for _, e := range segment {
		if e.State == Connected {
			answered = latest(answered, e.StartedAt)
		}
	}
	all := slices.Clone(segment)
	for _, e := range untimed { // a leg may be known by its end alone
		if e.State != Recorded && !clock.received(e, time.Time{}).After(until) {
			all = append(all, e)
		}
	}
	legs := legEvents(all)
	for _, leg := range legs {
		rang := slices.ContainsFunc(leg, func(e Event) bool { return e.State == Showing })
		switch {
		case connected(leg):
		case !rang && len(legs) > 1 && slices.ContainsFunc(leg, onLine):
			continue
		case !leg[0].StartedAt.After(answered):
			continue
		}
		if !legOver(leg, untimed, clock, until) {
			return false
		}
	}
	return true
}

// legOver reports that a leg has ended by a moment: by the arrival of its end, by its
// talk's duration, or by the arrival of hiding where it did not talk. An end that came
// before the leg's last own time is that of its only talk, or of an earlier one.
func legOver(leg, untimed []Event, clock clock, until time.Time) bool {
	var last, answered time.Time
	talks, ends := 0, 0
	for _, e := range leg {
		last = latest(last, e.StartedAt)
		if e.State == Connected {
			talks++
			answered = latest(answered, e.StartedAt)
		}
	}
	if last.After(until) {
		return false
	}
	for _, e := range leg {
		if e.State == Hiding && talks == 0 && !clock.received(e, last).After(until) {
			return true
		}
	}
	for _, e := range untimed {
		if e.State != Finished || !slices.ContainsFunc(leg, e.maySameLeg) {
			continue
		}
		if at := clock.received(e, time.Time{}); !at.After(until) {
			ends++
			if !at.Before(last) {
				return true
			}
		}
		if !answered.IsZero() && e.Duration > 0 && !answered.Add(e.Duration).After(until) {
			return true
		}
	}
	return ends > 0 && ends >= talks
}

// maySameLeg is sameLeg, of an event that may not name its account.
func (e Event) maySameLeg(other Event) bool {
	return e.sameLeg(other) || e.PlatformID == other.PlatformID && e.account() == "" && e.AccountID == ""
}
