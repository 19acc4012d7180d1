package sim

import (
	"fmt"
	"math"
)

// happen plays the call: it makes the legs and sets their times.
func (st *story) happen() {
	kind := st.call.Kind
	switch kind {
	case Outgoing, OutgoingBusy, OutgoingNoAns:
		st.outgoing(kind)
		return
	case Internal, InternalNoAns:
		st.internal(kind == Internal)
		return
	}
	st.call.Direction = "incoming"
	st.call.External = st.external
	if st.hidden == 0 {
		st.call.Client = st.client.number
	}
	st.base, st.suffixed = uuidID(st.r, st.index), true
	switch kind {
	case Parked, RecordedTwice:
		st.parked(func(t int) { st.oneAnswers(t) })
	case Group:
		st.parked(func(t int) { st.groupRings(t, true) })
	case Hunt:
		st.parked(func(t int) { st.oneAnswers(st.ringsInVain(t, 1+st.r.IntN(2)) + st.r.IntN(2)) })
	case Transfer:
		st.parked(st.transfer)
	case Missed:
		st.parked(st.missed)
	case Direct:
		st.direct()
	case MissedDirect:
		st.ringsInVain(0, 1)
	case GaveUp:
		st.gaveUp()
	case AfterHours:
		st.hold().end(st.between(8, 40))
	}
}

func (st *story) between(low, high int) int { return low + st.r.IntN(high-low+1) }

// talkTime is log-normal, median 45 s, 2 s to 15 min.
func (st *story) talkTime() int {
	return min(900, max(2, int(45*math.Exp(0.9*st.r.NormFloat64()))))
}

func (st *story) newLeg(as role, account string, at int) *leg {
	l := &leg{role: as, account: account, first: at, connected: never, hiding: never, finished: never, duration: never}
	l.id, l.tag = st.base, st.tag
	if st.suffixed {
		st.suffix++
		l.id = fmt.Sprintf("%s~%do", st.base, st.suffix)
		l.tag = legTag(st.r)
	}
	st.legs = append(st.legs, l)
	return l
}

// hold parks the call on the external number from its first second.
func (st *story) hold() *leg {
	l := st.newLeg(parking, st.external, 0)
	l.trying = true
	l.duration = []int{0, 5, never}[st.r.IntN(3)]
	return l
}

// parked holds the call for the 5 seconds and then lets it go on. What becomes
// of the parking leg's own end is not documented: it comes when parking ends,
// when the call ends, or not at all.
func (st *story) parked(then func(t int)) {
	hold, until := st.hold(), st.between(5, 6)
	then(until)
	switch st.r.IntN(3) {
	case 0:
		hold.end(until)
	case 1:
		hold.end(st.end())
	}
}

func (st *story) pickWorkplace() workplace {
	return st.company.workplaces[st.r.IntN(len(st.company.workplaces))]
}

// otherWorkplace is one that has no leg of the call yet.
func (st *story) otherWorkplace() workplace {
	for {
		w := st.pickWorkplace()
		used := false
		for _, l := range st.legs {
			used = used || l.workplace.sip == w.sip
		}
		if !used {
			return w
		}
	}
}

// ring lets a terminal ring from second t on.
func (st *story) ring(w workplace, terminal string, t int) *leg {
	l := st.newLeg(rings, terminal, t)
	l.workplace, l.showing = w, true
	l.trying = st.r.IntN(4) == 0
	return l
}

// answer connects the leg at second t for talk seconds.
func (st *story) answer(l *leg, t, talk int) {
	l.connected, l.talk, l.duration = t, talk, talk
	l.reason = []string{"Answer leg disconnected", "Originate leg disconnected"}[st.r.IntN(2)]
	l.end(t + talk)
	if st.r.IntN(2) == 0 {
		l.hiding = t + talk
	}
}

// inVain ends a leg that was not answered. Its duration is never above 0: that
// would say that somebody talked.
func (st *story) inVain(l *leg, t int) {
	l.hiding = t
	l.end(t)
	l.duration = []int{0, 0, never}[st.r.IntN(3)]
	l.reason = []string{"", "Originate leg disconnected", "Answer leg disconnected"}[st.r.IntN(3)]
}

func (l *leg) end(t int) { l.finished = t }

func (st *story) oneAnswers(t int) *leg {
	w := st.otherWorkplace()
	l := st.ring(w, w.terminals[st.r.IntN(len(w.terminals))], t)
	st.answer(l, t+st.between(2, 20), st.talkTime())
	return l
}

// groupRings lets all terminals of a workplace that has several ring at once,
// sometimes a second workplace with them.
func (st *story) groupRings(t int, answered bool) {
	w := st.otherWorkplace()
	for len(w.terminals) < 2 {
		w = st.otherWorkplace()
	}
	var legs []*leg
	for _, terminal := range w.terminals {
		legs = append(legs, st.ring(w, terminal, t))
	}
	if st.r.IntN(3) == 0 {
		other := st.otherWorkplace()
		legs = append(legs, st.ring(other, other.sip, t))
	}
	until, who := t+st.between(8, 20), st.r.IntN(len(legs))
	for i, l := range legs {
		if answered && i == who {
			st.answer(l, until, st.talkTime())
		} else {
			st.inVain(l, until)
		}
	}
}

// ringsInVain lets n workplaces ring one after the other and returns the second
// at which the last one stopped.
func (st *story) ringsInVain(t, n int) int {
	for range n {
		w := st.otherWorkplace()
		l := st.ring(w, w.terminals[0], t)
		t += st.between(10, 25)
		st.inVain(l, t)
	}
	return t
}

func (st *story) missed(t int) {
	if st.r.IntN(2) == 0 {
		st.groupRings(t, false)
		return
	}
	st.ringsInVain(t, 1+st.r.IntN(2))
}

// direct is answered without parking; as the only leg it may have an id
// without a suffix.
func (st *story) direct() {
	if st.r.IntN(2) == 0 {
		st.suffixed = false
		st.base, st.tag = controllerID(st.r)
	}
	st.oneAnswers(0)
}

// gaveUp ends within AbandonAfter: while parked, or while the first phone rings.
func (st *story) gaveUp() {
	if st.r.IntN(3) > 0 {
		st.hold().end(st.between(1, 4))
		return
	}
	w := st.pickWorkplace()
	st.inVain(st.ring(w, w.sip, 0), st.between(1, 4))
}

// transfer is a talk that moves on: with a gap while the next phone rings, with
// an overlap while one announces the call to the other, or without a word of
// the first leg's end beyond "hiding".
func (st *story) transfer(t int) {
	a := st.oneAnswers(t)
	if a.talk < 8 {
		a.talk, a.duration = 8, 8
		a.hiding, a.finished = 8+a.connected, 8+a.connected
	}
	moved := a.connected + a.talk
	w := st.otherWorkplace()
	switch st.r.IntN(3) {
	case 0:
		b := st.ring(w, w.terminals[0], moved)
		st.answer(b, moved+st.between(2, 9), st.talkTime())
		if st.r.IntN(3) == 0 {
			st.oneAnswers(b.finished)
		}
	case 1:
		b := st.ring(w, w.terminals[0], moved-6)
		st.answer(b, moved-st.between(1, 3), 3+st.talkTime())
	case 2:
		b := st.ring(w, w.terminals[0], moved-5)
		st.answer(b, moved, st.talkTime())
		a.hiding, a.finished, a.duration = moved, never, never
	}
	a.hiding = max(a.hiding, moved)
}
