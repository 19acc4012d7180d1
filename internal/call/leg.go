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
	rangAt     time.Time // first showing, else first trying
	showedAt   time.Time
	rangLast   time.Time // last showing
	hidAt      time.Time // by arrival, on the operator's clock
	finishedAt time.Time // likewise
	talks      []talk    // in order of their begin
	inferred   bool      // its talk was ended by inference
	endInexact bool      // EndedAt rests on receive times, though it talked
}

// order of a leg's life, for what has no time of its own.
func (s State) order() int {
	return slices.Index([]State{Trying, Showing, Connected, Hiding, Finished}, s)
}

// heard is what a leg's notifications say, taken together.
type heard struct {
	newest         Event
	began, last    time.Time // the first and the last own time: nothing estimated lies before last
	tried          time.Time // first trying
	showed, denied bool      // it rang; an end says that nobody answered
	connects       []connect
	ends           []ending
}

// hear takes up a leg's notifications.
func (l *legWork) hear(events []Event, clock clock) heard {
	h := heard{newest: events[0]}
	for _, e := range events {
		h.began, h.last = earliest(h.began, e.StartedAt), latest(h.last, e.StartedAt)
	}
	for _, e := range events {
		if c := cmp.Compare(e.State.order(), h.newest.State.order()); c > 0 || c == 0 && e.StartedAt.After(h.newest.StartedAt) {
			h.newest = e
		}
		l.AccountID = cmp.Or(l.AccountID, e.account())
		l.Type = cmp.Or(l.Type, e.Type)
		switch e.State {
		case Trying:
			h.tried = earliest(h.tried, e.StartedAt)
		case Showing: // one without a time shows that it rang, not since when
			h.showed = true
			l.showedAt, l.rangLast = earliest(l.showedAt, e.StartedAt), latest(l.rangLast, e.StartedAt)
		case Connected:
			h.connects = append(h.connects, connect{clock.at(e, h.began), e.StartedAt.IsZero()})
		case Hiding:
			l.hidAt = latest(l.hidAt, clock.received(e, h.last))
		case Finished:
			l.Finished = true
			l.Reason, l.ReasonCode = cmp.Or(l.Reason, e.Reason), cmp.Or(l.ReasonCode, e.ReasonCode)
			h.denied = h.denied || e.Unanswered
			h.ends = append(h.ends, ending{clock.received(e, time.Time{}), e.ReceivedAt, e.Duration, e.HasDuration})
		}
	}
	return h
}

// workLeg works out one leg of a call whose direction and numbers are known.
func workLeg(events []Event, r Record, clock clock) legWork {
	l := legWork{Leg: Leg{Kind: Workplace, PlatformID: events[0].PlatformID, Events: len(events)}}
	h := l.hear(events, clock)
	l.ID = LegID(events[0].Integration, l.PlatformID, l.AccountID)
	l.Tag, l.TransportID = h.newest.Tag, h.newest.TransportID
	if r.Direction == Internal {
		l.Caller, l.Callee = members(events)
	}
	l.StartedAt = h.began
	l.rangAt = cmp.Or(l.showedAt, h.tried)
	if l.Finished {
		l.finishedAt = firstEnd(h.ends, h.last)
	}
	l.EndedAt = l.finishedAt
	switch {
	case len(h.connects) > 0:
		l.talk(h.connects, h.ends)
	case !h.showed && cmp.Or(l.Type, string(r.Direction)) == string(Incoming) && slices.ContainsFunc(events, onLine):
		l.Kind = Parking
	case !h.denied: // a code never beats a connected
		l.talkByDuration(h.ends)
	}
	if l.Answered {
		l.Kind, l.AccountID = answeredBy(events, l.AccountID, r)
	}
	if !l.rangAt.IsZero() && !l.rangAt.After(l.AnsweredAt) {
		l.Ring, l.RingKnown = l.AnsweredAt.Sub(l.rangAt), true
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

// calledNumber is the number that the event's leg leads to; a terminal's account is one
// as well.
func (e Event) calledNumber() Number {
	return ParseNumber(cmp.Or(bare(e.Callee.AccountID), e.Callee.ID, e.Callee.DisplayID), "")
}

// onLine reports that the callee is an external number, not an account.
func onLine(e Event) bool { return e.calledNumber().outside() }

// answeredBy is who or what answered a leg at an account. Of an incoming call: the
// company's own number, which is an automaton; another outside number, which is a
// person's mobile, and is the account then; else a workplace.
func answeredBy(events []Event, account string, r Record) (LegKind, string) {
	if r.Direction != Incoming || account != "" && !ParseNumber(account, "").outside() {
		return Workplace, account
	}
	kind, who := Workplace, account
	for _, e := range events {
		n := e.calledNumber()
		switch {
		case e.State != Connected && connected(events), !n.outside(), n.Digits == r.ClientNumber.Digits:
		case n.Digits == r.ExternalNumber.Digits:
			return Attendant, account
		case kind == Workplace:
			kind, who = Forwarded, n.Digits
		}
	}
	return kind, who
}

// byPerson reports a leg at which somebody may be spoken to.
func (l legWork) byPerson() bool { return l.Kind == Workplace || l.Kind == Forwarded }

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
