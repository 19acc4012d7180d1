package call

import (
	"cmp"
	"slices"
	"time"
)

// times works out the call's answer, ring, wait, talk and end from its legs.
func (r *Record) times(legs []legWork, clock clock, beginKnown, endOpen bool) {
	dismissUnconnected(legs)
	boundTalk(legs, endOpen)
	var end time.Time
	var talks []legWork
	open, inexactEnd := false, false
	workplaces, finished := 0, false
	connectedAt := map[string]bool{}
	for _, l := range legs {
		if l.Kind == Parking {
			continue
		}
		workplaces++
		finished = finished || l.Finished
		if l.Answered {
			talks = append(talks, l)
			connectedAt[l.AccountID] = true
			r.AnsweredAt = earliest(r.AnsweredAt, l.AnsweredAt)
			r.TalkInexact = r.TalkInexact || l.TalkInexact
			open, r.Partial = open || l.EndedAt.IsZero(), r.Partial || l.inferred
		}
	}
	r.Transfers = max(len(connectedAt)-1, 0)
	if r.Direction == Internal { // two of ours talk to each other
		r.Transfers = max(len(connectedAt)-2, 0)
	}
	switch {
	case len(talks) > 0:
		r.Outcome = Answered
		r.AnsweredByDuration = r.AnsweredAt.IsZero()
		r.Talk = union(talks)
		for _, l := range talks {
			if l.EndedAt.After(end) {
				end, inexactEnd = l.EndedAt, l.AnsweredAt.IsZero() || l.TalkInexact
			}
		}
	case workplaces > 0:
		for _, l := range legs {
			if l.Kind == Workplace {
				open = open || !l.over()
				end = latest(end, latest(l.finishedAt, l.hidAt))
			}
		}
		end = latest(end, clock.last)
		// Hidden everywhere and finished nowhere: it may be ringing elsewhere in a moment.
		open, inexactEnd = open || !finished, true
	default:
		for _, l := range legs {
			finished = finished || l.Finished
			end = latest(end, l.finishedAt)
		}
		open, inexactEnd = !finished, true
	}
	if open && endOpen {
		r.Partial, open, inexactEnd = true, false, true
		for _, l := range legs { // the last moment that is known of the call
			for _, t := range []time.Time{l.StartedAt, l.AnsweredAt, l.hidAt, l.finishedAt} {
				end = latest(end, t)
			}
		}
	}
	if !open {
		r.EndedAt, r.EndInexact = latest(end, r.StartedAt), inexactEnd
	}
	r.waits(legs, beginKnown)
	for _, l := range legs {
		r.Legs = append(r.Legs, l.Leg)
	}
	r.AccountID = who(legs)
	r.HungUp = hungUp(r.Direction, talks)
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

// dismissUnconnected takes the talk from legs that never connected where another
// leg did: what the duration of such a leg means is not documented, and ringing
// phones beside the one that was answered must not talk.
func dismissUnconnected(legs []legWork) {
	if !slices.ContainsFunc(legs, func(l legWork) bool { return l.Kind == Workplace && !l.AnsweredAt.IsZero() }) {
		return
	}
	for i := range legs {
		if l := &legs[i]; l.AnsweredAt.IsZero() {
			l.Answered, l.Talk = false, 0
		}
	}
}

// boundTalk ends the talk of connected legs that came without a duration:
// where the call's next leg connects, else when their end arrived. Hiding alone
// ends no talk, unless the call is being ended by inference.
func boundTalk(legs []legWork, endOpen bool) {
	for i := range legs {
		l := &legs[i]
		if l.Kind == Parking || l.AnsweredAt.IsZero() || l.hasDuration {
			continue
		}
		end := l.finishedAt
		if end.IsZero() && endOpen && !l.hidAt.IsZero() {
			end, l.inferred = l.hidAt, true
		}
		for _, other := range legs {
			if other.Kind == Workplace && other.AnsweredAt.After(l.AnsweredAt) && (end.IsZero() || !other.AnsweredAt.After(end)) {
				end, l.inferred = other.AnsweredAt, false
			}
		}
		l.EndedAt, l.TalkInexact = end, true
		if !end.IsZero() {
			l.Talk = max(end.Sub(l.AnsweredAt), 0)
		}
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
		case l.Kind == Workplace:
			tried = earliest(tried, l.rangAt)
		default:
			parked = earliest(parked, l.rangAt)
		}
	}
	return cmp.Or(shown, tried, parked)
}

// union is the time during which any leg talked. A leg that is known to have
// talked by its duration alone has no place in time: it is added whole.
func union(talks []legWork) time.Duration {
	type span struct{ from, to time.Time }
	var spans []span
	var total time.Duration
	for _, l := range talks {
		if l.AnsweredAt.IsZero() {
			total += l.Talk
		} else {
			spans = append(spans, span{l.AnsweredAt, l.AnsweredAt.Add(l.Talk)})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(a.from.Compare(b.from), a.to.Compare(b.to)) })
	var until time.Time
	for _, s := range spans {
		from := latest(s.from, until)
		if s.to.After(from) {
			total += s.to.Sub(from)
			until = s.to
		}
	}
	return total
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
		if l := &legs[i]; l.Kind == Workplace && (best == nil || before(l, best)) {
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

// conclude names the outcome of a call that nobody answered.
func (r *Record) conclude(rules Rules) {
	switch {
	case r.Outcome == Answered:
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
