package call

import (
	"cmp"
	"time"
)

// times works out the call's answer, ring, wait, talk and end from its legs.
func (r *Record) times(legs []legWork, clock clock, beginKnown bool, rules Rules) {
	dismissUnconnected(legs)
	boundTalk(legs, rules.EndOpen)
	talks, attendants := r.answers(legs)
	var end time.Time
	var open, inexact bool
	if len(talks) > 0 {
		end, open, inexact = endOfTalks(append(talks, attendants...))
	} else {
		end, open, inexact = endOfUnanswered(legs, clock)
	}
	if open && rules.EndOpen {
		r.Partial, open, inexact = true, false, true
		end = latest(end, lastKnown(legs))
	}
	switch {
	case open:
	case inexact && r.Outcome != Answered && r.Direction == Incoming && clock.inOnePiece(rules.AbandonAfter):
		r.EndInexact = true
		r.missedLate(legs, clock, rules.AbandonAfter)
	default:
		r.EndedAt, r.EndInexact = latest(end, r.StartedAt), inexact
		if len(talks) == 0 && len(attendants) > 0 {
			r.Outcome = Missed
		}
	}
	r.waits(legs, beginKnown)
	for _, l := range legs {
		r.Legs = append(r.Legs, l.Leg)
	}
	r.AccountID = who(legs)
	r.HungUp = hungUp(r.Direction, talks)
}

// answers works out who answered, and the talk: talks are the legs at which a person
// did, attendants those at which an automaton did.
func (r *Record) answers(legs []legWork) (talks, attendants []legWork) {
	connected := map[string]bool{} // accounts
	for _, l := range legs {
		switch {
		case !l.Answered:
		case l.Kind == Attendant:
			attendants = append(attendants, l)
		default:
			talks = append(talks, l)
			r.AnsweredAt = earliest(r.AnsweredAt, l.AnsweredAt)
			if !l.AnsweredAt.IsZero() {
				connected[l.AccountID] = true
			}
		}
		r.TalkInexact = r.TalkInexact || l.TalkInexact
		r.Partial = r.Partial || l.inferred
	}
	r.Transfers = max(len(connected)-1, 0)
	if r.Direction == Internal { // two of ours talk to each other
		r.Transfers = max(len(connected)-2, 0)
	}
	r.Attendant = union(talksOf(attendants))
	if len(talks) > 0 {
		r.Outcome, r.Talk = Answered, union(talksOf(talks))
		r.AnsweredByDuration = r.AnsweredAt.IsZero()
		r.TalkInexact = r.TalkInexact || r.AnsweredByDuration && len(talks) > 1 // how they overlap rests on their ends
	}
	return talks, attendants
}

// lastKnown is the last moment that is known of a call.
func lastKnown(legs []legWork) (last time.Time) {
	for _, l := range legs {
		for _, t := range []time.Time{l.StartedAt, l.AnsweredAt, l.hidAt, l.finishedAt} {
			last = latest(last, t)
		}
	}
	return last
}

// endOfTalks is the end of a call that was answered: that of its last talk.
func endOfTalks(talks []legWork) (end time.Time, open, inexact bool) {
	for _, l := range talks {
		open = open || l.EndedAt.IsZero()
		if l.EndedAt.After(end) {
			end, inexact = l.EndedAt, l.AnsweredAt.IsZero() || l.TalkInexact || l.endInexact
		}
	}
	return end, open, inexact
}

// endOfUnanswered is the end of a call in which no person talked: when the last of
// its legs ended, by arrival, unless an automaton's talk tells it.
func endOfUnanswered(legs []legWork, clock clock) (end time.Time, open, inexact bool) {
	var talks []legWork
	rang, finished := false, false
	for _, l := range legs {
		if l.Kind == Attendant {
			talks = append(talks, l)
		}
		rang = rang || l.byPerson()
	}
	end, open, inexact = endOfTalks(talks)
	inexact = inexact || rang || len(talks) == 0
	for _, l := range legs {
		if l.Kind == Attendant || l.Kind == Parking && (rang || len(talks) > 0) {
			finished = finished || l.Kind == Attendant && !rang
			continue
		}
		finished = finished || l.Finished
		open = open || l.byPerson() && !l.over()
		end = latest(end, l.finishedAt)
		if l.byPerson() {
			end = latest(end, l.hidAt)
		}
	}
	if rang {
		end = latest(end, clock.last)
	}
	// Hidden everywhere and finished nowhere: it may be ringing elsewhere in a moment.
	return end, open || !finished, inexact
}

// missedLate concludes an unanswered call whose notifications all came long after
// it and at one time: when it ended is not known. How long the caller waited is,
// as far as it rang for long enough by the operator's own times.
func (r *Record) missedLate(legs []legWork, clock clock, abandonAfter time.Duration) {
	r.Outcome = Missed
	for i := range legs {
		if l := &legs[i]; !l.Answered {
			l.EndedAt = time.Time{}
		}
	}
	if rang := clock.rang.Sub(r.StartedAt); !clock.rang.IsZero() && rang >= abandonAfter {
		r.Wait, r.WaitKnown = rang, true
	}
}

// waits needs a begin that is known, if only by a receive time: of a call of
// which nothing but the end was heard, nobody knows how long it waited.
func (r *Record) waits(legs []legWork, beginKnown bool) {
	until := r.AnsweredAt
	if r.Outcome != Answered {
		until = r.EndedAt
	}
	if until.IsZero() || !beginKnown {
		return
	}
	r.Wait, r.WaitKnown = max(until.Sub(r.StartedAt), 0), true
	if ring := rangSince(legs, until); r.Outcome == Answered && !ring.IsZero() {
		r.Ring, r.RingKnown = until.Sub(ring), true
	}
}

// rangSince is the call's first showing before its answer, else its first
// trying, at a workplace if any was tried there; zero if there is none.
func rangSince(legs []legWork, answered time.Time) time.Time {
	var shown, tried, parked time.Time
	for _, l := range legs {
		switch {
		case l.rangAt.IsZero() || l.rangAt.After(answered): // rings for somebody else by then
		case !l.showedAt.IsZero():
			shown = earliest(shown, l.showedAt)
		case l.byPerson():
			tried = earliest(tried, l.rangAt)
		default:
			parked = earliest(parked, l.rangAt)
		}
	}
	return cmp.Or(shown, tried, parked)
}

// who is the account that talked first, else rang first.
func who(legs []legWork) string {
	var best *legWork
	before := func(a, b *legWork) bool {
		if a.Answered != b.Answered {
			return a.Answered
		}
		at, bt := cmp.Or(a.AnsweredAt, a.rangAt, a.StartedAt), cmp.Or(b.AnsweredAt, b.rangAt, b.StartedAt)
		return at.Before(bt)
	}
	for i := range legs {
		if l := &legs[i]; l.byPerson() && (best == nil || before(l, best)) {
			best = l
		}
	}
	if best == nil {
		return ""
	}
	return best.AccountID
}

// hungUp reads the two documented pairs of type and reason; the operator's
// page says nothing of any other.
func hungUp(d Direction, talks []legWork) Side {
	var last *legWork
	for i := range talks {
		if l := &talks[i]; l.Reason != "" && (last == nil || l.EndedAt.After(last.EndedAt)) {
			last = l
		}
	}
	switch {
	case last == nil:
	case d == Incoming && last.Reason == "Answer leg disconnected":
		return UsHungUp
	case d == Outgoing && last.Reason == "Originate leg disconnected":
		return ClientHungUp
	}
	return UnknownSide
}

// conclude names the outcome of a call of which the legs do not tell it.
func (r *Record) conclude(rules Rules) {
	switch {
	case r.Outcome != "":
	case r.EndedAt.IsZero(), r.Direction == UnknownDirection:
		r.Outcome = UnknownOutcome
	case r.Direction != Incoming:
		r.Outcome = NoAnswer
	case r.WaitKnown && r.Wait < rules.AbandonAfter:
		r.Outcome = Abandoned
	default:
		r.Outcome = Missed
	}
}
