package call

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// talk is a span in which a leg talked; to is zero where it goes on, or where its
// end is still to be found.
type talk struct{ from, to time.Time }

// connect is a leg's "connected".
type connect struct {
	at      time.Time
	inexact bool // it has no time of its own
}

// ending is a leg's "finished".
type ending struct {
	at          time.Time // on the operator's clock
	received    time.Time
	duration    time.Duration
	hasDuration bool
}

// firstEnd is when a leg ended: the first end that came when nothing was to happen
// any more, by the operator's clock; where each came too early for that, the last
// time that the leg names.
func firstEnd(ends []ending, last time.Time) time.Time {
	var first time.Time
	for _, e := range ends {
		if !e.at.Before(last) {
			first = earliest(first, e.at)
		}
	}
	return cmp.Or(first, last)
}

// inOrder sorts ends by when they came; of several at once the shortest talk goes
// first, then the order of the notifications decides.
func inOrder(ends []ending) []ending {
	ends = slices.Clone(ends)
	slices.SortStableFunc(ends, func(a, b ending) int {
		return cmp.Or(a.received.Compare(b.received), cmp.Compare(a.duration, b.duration))
	})
	return ends
}

// talk pairs connects with ends in their order. A connect whose end names no
// duration, or that has no end, begins a talk whose end is to be found by
// boundTalk, unless it was said during another talk of the leg.
func (l *legWork) talk(connects []connect, ends []ending) {
	slices.SortStableFunc(connects, func(a, b connect) int { return a.at.Compare(b.at) })
	ends, dropped := chosenEnds(inOrder(ends), len(connects), connects[0].at)
	l.Answered, l.AnsweredAt = true, connects[0].at
	l.TalkInexact = dropped
	covered := func(at time.Time) bool {
		return slices.ContainsFunc(l.talks, func(t talk) bool { return !t.to.IsZero() && (at.Equal(t.from) || at.Before(t.to)) })
	}
	for i, c := range connects {
		t := talk{from: c.at}
		if i < len(ends) && ends[i].hasDuration {
			t.to = c.at.Add(ends[i].duration)
		} else if covered(c.at) {
			continue
		}
		l.TalkInexact = l.TalkInexact || c.inexact
		l.talks = append(l.talks, t)
	}
	l.mindOrder(connects, ends)
}

// chosenEnds are as many ends as there are connects, where there are more: those
// that tell of a duration, that came after the first connect, and that came first.
// dropped tells that one of another duration was left out.
func chosenEnds(ends []ending, connects int, first time.Time) (chosen []ending, dropped bool) {
	drop := func(from int, ok func(ending) bool) {
		for i := from; i >= 0 && i < len(ends) && len(ends) > connects; {
			if !ok(ends[i]) {
				i++
				continue
			}
			for _, e := range ends {
				dropped = dropped || ends[i].duration > 0 && e.duration != ends[i].duration
			}
			ends = slices.Delete(ends, i, i+1)
		}
	}
	drop(0, func(e ending) bool { return !e.hasDuration })
	drop(0, func(e ending) bool { return e.duration == 0 })
	drop(0, func(e ending) bool { return e.at.Before(first) })
	drop(connects, func(ending) bool { return true })
	return ends, dropped
}

// mindOrder flags what would be different, had the ends of several talks come in
// another order.
func (l *legWork) mindOrder(connects []connect, ends []ending) {
	if len(connects) < 2 || len(ends) == 0 {
		return
	}
	differ, longest := false, time.Duration(0)
	for _, e := range ends {
		differ = differ || e.duration != ends[0].duration || e.hasDuration != ends[0].hasDuration
		longest = max(longest, e.duration)
	}
	if !differ && len(ends) == len(connects) {
		return
	}
	l.endInexact = true
	for i := 1; i < len(connects); i++ {
		l.TalkInexact = l.TalkInexact || connects[i].at.Sub(connects[i-1].at) < longest
	}
}

// talkByDuration places what is known by durations alone: at the end, less the
// duration. The first end holds, unless the leg rang again after it.
func (l *legWork) talkByDuration(ends []ending) {
	var before time.Time
	for _, e := range inOrder(ends) {
		if !e.hasDuration || e.duration == 0 {
			continue
		}
		if len(l.talks) > 0 && !(l.rangLast.After(before) && !l.rangLast.After(e.at)) {
			l.TalkInexact = l.TalkInexact || l.talks[0].to.Sub(l.talks[0].from) != e.duration
			continue
		}
		before = e.at
		to := latest(e.at, l.showedAt)
		if len(l.talks) == 0 {
			to = l.finishedAt
		}
		l.talks = append(l.talks, talk{to.Add(-e.duration), to})
	}
	l.Answered, l.Talk = len(l.talks) > 0, union(l.talks)
	l.TalkInexact = l.TalkInexact || len(l.talks) > 1
}

// dismissUnconnected takes the talk from legs that never connected where another
// leg did: what the duration of such a leg means is not documented, and ringing
// phones beside the one that was answered must not talk.
func dismissUnconnected(legs []legWork) {
	if !slices.ContainsFunc(legs, func(l legWork) bool { return l.byPerson() && !l.AnsweredAt.IsZero() }) {
		return
	}
	for i := range legs {
		if l := &legs[i]; l.Answered && l.AnsweredAt.IsZero() && l.byPerson() {
			l.Kind, l.Answered, l.Talk, l.talks, l.TalkInexact = Workplace, false, 0, nil, false
		}
	}
}

// boundTalk ends the talks of connected legs that came without a duration: where
// that leg or another one connects next, else when the leg's end arrived. Hiding
// alone ends no talk, unless the call is being ended by inference.
func boundTalk(legs []legWork, endOpen bool) {
	connects := make([][]time.Time, len(legs)) // before any talk is ended
	for i, l := range legs {
		if !l.AnsweredAt.IsZero() {
			for _, t := range l.talks {
				connects[i] = append(connects[i], t.from)
			}
		}
	}
	for i := range legs {
		l := &legs[i]
		if l.AnsweredAt.IsZero() {
			continue
		}
		l.EndedAt = time.Time{}
		open := false
		for n := range l.talks {
			if t := &l.talks[n]; t.to.IsZero() {
				l.TalkInexact = true
				t.to = l.boundOf(*t, connects, i, endOpen)
				open = open || t.to.IsZero()
			}
			l.EndedAt = latest(l.EndedAt, l.talks[n].to)
		}
		if open {
			l.EndedAt = time.Time{}
		} else if l.Finished && l.rangLast.After(l.EndedAt) { // it rang again, for nobody
			l.EndedAt, l.endInexact = l.finishedAt, true
		}
		l.Talk = union(l.talks)
	}
}

// boundOf is the end of a talk of the leg with index own; zero where it goes on.
func (l *legWork) boundOf(t talk, connects [][]time.Time, own int, endOpen bool) time.Time {
	end := l.finishedAt
	if end.IsZero() && endOpen && !l.hidAt.IsZero() {
		end, l.inferred = l.hidAt, true
	}
	for i, times := range connects {
		for _, at := range times {
			if at.After(t.from) && (end.IsZero() || !at.After(end) || i == own && end.Before(t.from)) {
				end, l.inferred = at, false
			}
		}
	}
	if end.IsZero() {
		return end
	}
	return latest(end, t.from)
}

// talksOf are those of several legs.
func talksOf(legs []legWork) []talk {
	var out []talk
	for _, l := range legs {
		out = append(out, l.talks...)
	}
	return out
}

// union is the time that is in any of the talks; one that goes on has none yet.
func union(talks []talk) time.Duration {
	talks = slices.Clone(talks)
	slices.SortFunc(talks, func(a, b talk) int { return cmp.Or(a.from.Compare(b.from), a.to.Compare(b.to)) })
	var total time.Duration
	var until time.Time
	for _, t := range talks {
		from := latest(t.from, until)
		if t.to.After(from) {
			total += min(t.to.Sub(from), math.MaxInt64-total) // receive times may be centuries apart
			until = t.to
		}
	}
	return total
}
