package call

import (
	"cmp"
	"slices"
	"time"
)

// Rules are what a derivation takes from the configuration; a rebuild under
// changed rules raises the epoch.
//
// EndOpen is no configuration: it is set for a call of which nothing was heard
// for long enough, and ends it by inference at the last moment that is known.
type Rules struct {
	EndOpen      bool
	AbandonAfter time.Duration // an unanswered incoming call that waited less is abandoned, else missed
	AreaCode     string        // the area code of 7-digit local numbers, "" = left unresolved
}

// Derive makes the call records of one base id out of its notifications,
// ordered by their start. It is a function of the set of notifications
// {(what it says, earliest receive time)} alone: not of their order, nor of how
// often or in which serialisation they came, nor of the clock. Events of unknown
// kind, and recordings without a call, make no record. Several records come of a
// base id that was used again (segments).
//
// What rests on own times and durations does not depend on when the
// notifications came. What has no time of its own – the end of an unanswered
// leg above all – is taken from the receive time on the operator's clock and
// flagged inexact. Where all of an unanswered incoming call came in one piece
// and long after its own times, receive times say nothing: it is missed, and its
// end and wait are not known.
//
// An answer is a person's: a "connected" of the company's own number is an
// automaton's, and adds wait. A duration without "connected" is an answer unless
// the end's reason or code denies one, and is placed at the leg's end, less itself.
func Derive(events []Event, rules Rules) []Record {
	var records []Record
	calls := segments(distinct(events), rules)
	for n, events := range calls {
		rules := rules
		rules.EndOpen = rules.EndOpen || n < len(calls)-1 // its id was used again
		if r, ok := derive(events, rules); ok {
			if n > 0 {
				r.CallID = segmentID(r.Integration, r.PlatformCallID, n)
			}
			records = append(records, r)
		}
	}
	return records
}

func derive(events []Event, rules Rules) (Record, bool) {
	var states []Event
	for _, e := range events {
		if e.State != Recorded {
			states = append(states, e)
		}
	}
	if len(states) == 0 {
		return Record{}, false
	}
	r := Record{Integration: events[0].Integration, PlatformCallID: BaseID(events[0].PlatformID), Events: len(events)}
	r.GroupID = ID(r.Integration, r.PlatformCallID)
	r.CallID = r.GroupID
	for _, e := range events {
		for _, link := range e.Links() {
			r.Recordings = append(r.Recordings, RecordingID(e.Integration, link))
		}
	}
	slices.Sort(r.Recordings)
	r.Recordings = slices.Compact(r.Recordings)

	clock := newClock(states)
	for _, e := range states {
		r.StartedAt = earliest(r.StartedAt, e.StartedAt)
		r.BadTimes = r.BadTimes || e.BadTime
	}
	if r.StartedAt.IsZero() {
		r.StartInexact = true
		for _, e := range states {
			r.StartedAt = earliest(r.StartedAt, e.ReceivedAt)
		}
	}
	r.Direction = direction(states)
	r.ClientNumber, r.ExternalNumber = numbers(states, r.Direction, rules)
	if r.Direction == Internal {
		r.Caller, r.Callee = members(states)
	}

	var legs []legWork
	for _, of := range legEvents(states) {
		l := workLeg(of, r, clock)
		if l.StartedAt.IsZero() {
			l.begin(r.StartedAt)
		}
		legs = append(legs, l)
	}
	slices.SortFunc(legs, func(a, b legWork) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	beginKnown := !r.StartInexact || slices.ContainsFunc(states, func(e Event) bool { return e.State == Trying || e.State == Showing })
	r.times(legs, clock, beginKnown, rules)
	r.conclude(rules)
	return r, true
}
