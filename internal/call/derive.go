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

// reuse is the silence after which a Call-ID with a time of its own begins a
// new call: border controllers give out the same id again.
const reuse = 24 * time.Hour

// Derive makes the call records of one base id out of its notifications,
// ordered by their start. It is a function of the set of distinct events
// {(id, body, earliest receive time)} alone: not of their order, nor of how
// often they came, nor of the clock. Events of unknown kind, and recordings
// without a call, make no record. Several records come of a base id that was
// used again more than 24 h later.
//
// What rests on own times and durations does not depend on when the
// notifications came. What has no time of its own – the end of an unanswered
// leg above all – is taken from the receive time on the operator's clock and
// flagged inexact.
func Derive(events []Event, rules Rules) []Record {
	var records []Record
	calls := segments(distinct(events))
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

// distinct keeps the earliest delivery of each call event, in an order that
// does not depend on the input's.
func distinct(events []Event) []Event {
	first := make(map[uint64]Event, len(events))
	for _, e := range events {
		if e.Kind != KindCall || e.PlatformID == "" {
			continue
		}
		if have, ok := first[e.ID]; !ok || e.ReceivedAt.Before(have.ReceivedAt) {
			first[e.ID] = e
		}
	}
	set := make([]Event, 0, len(first))
	for _, e := range first {
		set = append(set, e)
	}
	slices.SortFunc(set, func(a, b Event) int {
		if az, bz := a.StartedAt.IsZero(), b.StartedAt.IsZero(); az != bz {
			if az {
				return 1
			}
			return -1
		}
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.State.order(), b.State.order()), cmp.Compare(a.ID, b.ID))
	})
	return set
}

// segments splits the sorted events of a base id where it was used again. An
// event without a time belongs to the newest call that had begun when it came
// and has its leg, else to the newest that had begun.
func segments(events []Event) [][]Event {
	var out [][]Event
	var began []time.Time // of each segment, on our clock as far as that tells
	var last time.Time
	timed := len(events)
	for i, e := range events {
		if e.StartedAt.IsZero() {
			timed = i // the sort puts these last
			break
		}
		if len(out) == 0 || e.StartedAt.Sub(last) > reuse {
			out, began = append(out, nil), append(began, e.StartedAt)
		}
		n := len(out) - 1
		out[n] = append(out[n], e)
		began[n] = earliest(began[n], e.ReceivedAt)
		last = e.StartedAt
	}
	if len(out) == 0 && timed < len(events) {
		out, began = [][]Event{nil}, []time.Time{{}}
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

func derive(events []Event, rules Rules) (Record, bool) {
	var states, recorded []Event
	for _, e := range events {
		if e.State == Recorded {
			recorded = append(recorded, e)
		} else {
			states = append(states, e)
		}
	}
	if len(states) == 0 {
		return Record{}, false
	}
	r := Record{Integration: events[0].Integration, PlatformCallID: BaseID(events[0].PlatformID), Events: len(events)}
	r.GroupID = ID(r.Integration, r.PlatformCallID)
	r.CallID = r.GroupID
	for _, e := range recorded {
		if e.URL != "" {
			r.Recordings = append(r.Recordings, RecordingID(e.Integration, e.URL))
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

	var legs []legWork
	for _, of := range legEvents(states) {
		l := workLeg(of, r.Direction, clock)
		if l.StartedAt.IsZero() {
			l.begin(r.StartedAt)
		}
		legs = append(legs, l)
	}
	slices.SortFunc(legs, func(a, b legWork) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	beginKnown := !r.StartInexact || slices.ContainsFunc(states, func(e Event) bool { return e.State == Trying || e.State == Showing })
	r.times(legs, clock, beginKnown, rules.EndOpen)
	r.conclude(rules)
	return r, true
}
