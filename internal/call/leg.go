package call

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Ours reports which of the event's parties are on our side: those that bear
// a centrexId; where none does, the callee of an incoming and the caller of an
// outgoing leg.
func (e Event) ours() (caller, callee bool) {
	caller, callee = e.Caller.CentrexID != "", e.Callee.CentrexID != ""
	if !caller && !callee {
		return e.Type == string(Outgoing), e.Type == string(Incoming)
	}
	return caller, callee
}

// account is the account on our side, "" where the event does not tell.
func (e Event) account() string {
	caller, callee := e.ours()
	if caller && callee { // both ours: the leg's own side
		caller, callee = e.Type != string(Incoming), e.Type == string(Incoming)
	}
	switch {
	case callee:
		return bare(e.Callee.AccountID)
	case caller:
		return bare(e.Caller.AccountID)
	}
	return ""
}

// sameLeg reports that another event bears the same Call-ID and account; a
// recording names the account that was recorded.
func (e Event) sameLeg(other Event) bool {
	return e.PlatformID == other.PlatformID && cmp.Or(e.account(), bare(e.AccountID)) == other.account()
}

func bare(account string) string {
	account, _, _ = strings.Cut(strings.TrimSpace(account), "@")
	return account
}

// legEvents groups a call's events by leg. Events that do not name their
// account belong to the leg of the same Call-ID that talked, else to its first.
func legEvents(events []Event) [][]Event {
	type key struct{ platformID, account string }
	groups := map[key][]Event{}
	var order []key
	add := func(k key, e Event) {
		if _, ok := groups[k]; !ok {
			order = append(order, k)
		}
		groups[k] = append(groups[k], e)
	}
	var anonymous []Event
	for _, e := range events {
		if a := e.account(); a != "" {
			add(key{e.PlatformID, a}, e)
		} else {
			anonymous = append(anonymous, e)
		}
	}
	named := slices.Clone(order)
	for _, e := range anonymous {
		home := key{platformID: e.PlatformID}
		for _, k := range named {
			if k.platformID != e.PlatformID {
				continue
			}
			if home.account == "" || connected(groups[k]) && !connected(groups[home]) {
				home = k
			}
		}
		add(home, e)
	}
	legs := make([][]Event, 0, len(order))
	for _, k := range order {
		legs = append(legs, groups[k])
	}
	return legs
}

func connected(events []Event) bool {
	return slices.ContainsFunc(events, func(e Event) bool { return e.State == Connected })
}

// legWork is a Leg in the making, with what only the call needs to know of it.
type legWork struct {
	Leg
	rangAt      time.Time // first showing, else first trying
	showedAt    time.Time
	hidAt       time.Time // by arrival, on the operator's clock
	finishedAt  time.Time // likewise
	hasDuration bool
	inferred    bool // its talk was ended by inference
}

// order of a leg's life, for what has no time of its own.
func (s State) order() int {
	return slices.Index([]State{Trying, Showing, Connected, Hiding, Finished}, s)
}

// workLeg works out one leg of a call of the given direction.
func workLeg(events []Event, d Direction, clock clock) legWork {
	l := legWork{Leg: Leg{Kind: Workplace, PlatformID: events[0].PlatformID, Events: len(events)}}
	newest := events[0]
	showed := false
	var tried, began, last time.Time // last: nothing estimated lies before it
	for _, e := range events {
		began, last = earliest(began, e.StartedAt), latest(last, e.StartedAt)
	}
	l.StartedAt = began
	for _, e := range events {
		if c := cmp.Compare(e.State.order(), newest.State.order()); c > 0 || c == 0 && e.StartedAt.After(newest.StartedAt) {
			newest = e
		}
		l.AccountID = cmp.Or(l.AccountID, e.account())
		l.Type = cmp.Or(l.Type, e.Type)
		switch e.State {
		case Trying:
			tried = earliest(tried, e.StartedAt)
		case Showing: // one without a time shows that it rang, not since when
			showed = true
			l.showedAt = earliest(l.showedAt, e.StartedAt)
		case Connected:
			l.Answered = true
			l.TalkInexact = l.TalkInexact || e.StartedAt.IsZero()
			l.AnsweredAt = earliest(l.AnsweredAt, clock.at(e, began))
		case Hiding:
			l.hidAt = latest(l.hidAt, clock.received(e, last))
		case Finished:
			l.Finished = true
			l.finishedAt = latest(l.finishedAt, clock.received(e, last))
			l.Reason, l.ReasonCode = cmp.Or(l.Reason, e.Reason), cmp.Or(l.ReasonCode, e.ReasonCode)
			if e.HasDuration {
				l.hasDuration, l.Talk = true, max(l.Talk, e.Duration)
			}
		}
	}
	l.ID = LegID(events[0].Integration, l.PlatformID, l.AccountID)
	l.Tag, l.TransportID = newest.Tag, newest.TransportID
	if l.rangAt = l.showedAt; l.rangAt.IsZero() {
		l.rangAt = tried
	}
	l.EndedAt = l.finishedAt
	switch {
	case !l.Answered && !showed && cmp.Or(l.Type, string(d)) == string(Incoming) && slices.ContainsFunc(events, onLine):
		l.Kind, l.Talk = Parking, 0
	case l.Answered && l.hasDuration:
		l.EndedAt = l.AnsweredAt.Add(l.Talk)
	case l.Talk > 0: // known by the duration alone
		l.Answered = true
	}
	if !l.rangAt.IsZero() && !l.AnsweredAt.IsZero() {
		l.Ring, l.RingKnown = max(l.AnsweredAt.Sub(l.rangAt), 0), true
	}
	return l
}

// begin gives a leg that does not know its start the call's, and no end before it.
func (l *legWork) begin(at time.Time) {
	l.StartedAt = at
	if !l.finishedAt.IsZero() {
		l.finishedAt = latest(l.finishedAt, at)
		l.EndedAt = latest(l.EndedAt, at)
	}
}

// onLine reports that the callee is one of our external numbers, not an account.
func onLine(e Event) bool {
	return ParseNumber(cmp.Or(bare(e.Callee.AccountID), e.Callee.ID, e.Callee.DisplayID), "").outside()
}

// over reports that nothing more is expected of the leg.
func (l legWork) over() bool { return l.Finished || !l.Answered && !l.hidAt.IsZero() }

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
