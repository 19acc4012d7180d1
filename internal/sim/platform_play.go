package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// newStory begins a call of the line at the given second: outgoing, under a
// border controller's id, until its maker says otherwise.
func (n *line) newStory(kind Kind, second int, number, external string) *story {
	n.p.mu.Lock()
	i := n.p.played
	n.p.played++
	n.p.mu.Unlock()
	r := newRand(n.p.opts.Sim.opts.Seed, streamPlayed, uint64(i))
	st := &story{
		call: &Call{Kind: kind, Direction: "outgoing", Client: number, External: external},
		r:    r, company: n.company, index: i, offset: second, external: external,
		client: client{number: number, foreign: len(number) != 11 || number[0] != '7'}, account: true, nameKey: "displayName",
	}
	st.call.StartedAt = n.began.UTC().Truncate(time.Second).Add(time.Duration(second) * time.Second)
	st.transport = fmt.Sprintf("10.133.%d.%d:507%d", 32+r.IntN(20), 1+r.IntN(250), r.IntN(10))
	st.base, st.tag = controllerID(r)
	n.stories = append(n.stories, st)
	return st
}

// newLeg adds a leg to a call of the line, and lets the API know its id.
func (n *line) newLeg(st *story, as role, account string, w workplace, second int) *leg {
	l := st.newLeg(as, account, second-st.offset)
	l.story, l.workplace, l.forwarders = st, w, []any{}
	n.p.mu.Lock()
	n.p.lines[l.id] = n
	n.p.mu.Unlock()
	return l
}

// over says that the leg has come to its end.
func (l *leg) over() bool { return l.finished != never }

// ring lets the leg ring from now on, until it is answered after so long or the
// limit, in seconds, is reached.
func (n *line) ring(l *leg, after time.Duration, limit int, answered func(second int)) {
	now := l.first + l.story.offset
	if l.role == dials {
		l.trying = true
		n.tell(l, "trying")
	}
	l.showing = true
	n.tell(l, "showing")
	if s := int(after / time.Second); after >= 0 && s <= limit {
		n.at(now+s, l, func(t int) {
			l.connected = t - l.story.offset
			n.tell(l, "connected")
			answered(t)
		})
		return
	}
	n.at(now+limit, l, func(t int) { n.end(l, t) })
}

// talk ends the leg after so long; never: somebody else will.
func (n *line) talk(l *leg, second int) {
	length := n.manner.Talk
	if length < 0 {
		length = 24 * time.Hour
	}
	n.at(second+int(length/time.Second), l, func(t int) { n.end(l, t) })
}

// end is the end of a leg, whatever it was doing, and of what hangs on it.
func (n *line) end(l *leg, second int) {
	if l.over() {
		return
	}
	n.forget(l)
	t := second - l.story.offset
	switch {
	case l.role == parking:
		l.duration = t - l.first
	case l.connected == never:
		l.hiding, l.duration = t, 0
		n.tell(l, "hiding")
	default:
		l.talk = t - l.connected
		l.duration, l.reason = l.talk, "Originate leg disconnected"
		n.record(l, second)
	}
	l.end(t)
	n.tell(l, "finished")
	if l.ended != nil {
		l.ended(second)
	}
}

// record announces the recording of a leg that has talked. That of the first
// leg of makeCall would be its second one's again.
func (n *line) record(l *leg, second int) {
	if n.manner.Record < 0 || l.talk == 0 || l.story.call.Kind == MadeWorkplace {
		return
	}
	s, st := n.p.opts.Sim, l.story
	rec := st.newRecording(s, l, l.talk)
	rec.after = time.Duration(second-st.offset)*time.Second + n.manner.Record
	st.call.Recordings = append(st.call.Recordings, rec)
	s.mu.Lock()
	s.files[rec.path] = rec
	s.mu.Unlock()
	n.at(second+int(n.manner.Record/time.Second), nil, func(int) {
		st.tellRecorded(rec)
		n.postLatest(st)
	})
}

// Make is makeCall: it rings the workplace, and when that has answered, the
// number. Each of the two legs is a call of its own to those who are told: the
// page shows one id only, which is taken for the first leg's.
func (p *Platform) Make(workplaceSIP, number string) (id string, err error) {
	w := p.directory().workplace(workplaceSIP)
	if w == nil || len(w.terminals) == 0 {
		return "", errors.New("callerId is no workplace")
	}
	callee, ok := digits(number)
	if !ok {
		return "", errors.New("calleeId is no number")
	}
	err = p.newLine(func(n *line) {
		external := n.company.externals[0]
		st := n.newStory(MadeWorkplace, 0, callee, external)
		st.base, st.tag = makeCallID(st.r, st.transport), legTag(st.r)
		first := n.newLeg(st, dials, w.terminals[0], *w, 0)
		id = first.id
		n.ring(first, n.manner.PickUp, makeCallFor, func(t int) {
			second := n.newLeg(n.newStory(MadeNumber, t, callee, external), dials, w.terminals[0], *w, t)
			first.ended = func(t int) { n.end(second, t) }
			second.ended = func(t int) { n.end(first, t) }
			n.ring(second, n.manner.Answer, outsideFor, func(t int) { n.talk(second, t) })
		})
	})
	return id, err
}

// IncomingCall is one from outside.
type IncomingCall struct {
	From  string   `json:"from"`  // a number; default: of a client of the Sim
	To    string   `json:"to"`    // an external number; default: the first one
	Route []string `json:"route"` // SIP ids of the workplaces it rings one after the other; default: the first one
}

// Call has somebody outside call. It returns the id of the first leg. A parked
// number holds the call for 5 seconds; then, or at once, it goes by its route.
func (p *Platform) Call(c IncomingCall) (id string, err error) {
	company := p.directory()
	if c.From == "" {
		c.From = company.clients[0].number
	}
	if c.To == "" {
		c.To = company.externals[0]
	}
	if len(c.Route) == 0 {
		c.Route = []string{company.workplaces[0].sip}
	}
	from, ok := digits(c.From)
	to, _ := digits(c.To)
	if !ok || !slices.Contains(company.externals, to) {
		return "", errors.New("sim: from is no number, or to is none of the customer's")
	}
	var route []workplace
	for _, sip := range c.Route {
		w := company.workplace(sip)
		if w == nil || len(w.terminals) == 0 {
			return "", fmt.Errorf("sim: route: no workplace %s with a terminal", sip)
		}
		route = append(route, *w)
	}
	p.mu.Lock()
	parked := p.parked[to]
	p.mu.Unlock()
	err = p.newLine(func(n *line) {
		n.route = route
		st := n.newStory(Asked, 0, from, to)
		st.call.Direction = "incoming"
		st.base, st.suffixed = uuidID(st.r, st.index), true
		if !parked {
			id = n.next(st, 0).id
			return
		}
		hold := n.newLeg(st, parking, to, workplace{}, 0)
		id, hold.trying = hold.id, true
		n.tell(hold, "trying")
		hold.ended = func(t int) { n.next(st, t) }
		n.at(parkedFor, hold, func(t int) { n.end(hold, t) })
	})
	return id, err
}

// next rings the next workplace of the route, if there is one.
func (n *line) next(st *story, second int) *leg {
	if len(n.route) == 0 {
		return nil
	}
	w := n.route[0]
	n.route = n.route[1:]
	l := n.reach(st, w, w.terminals[0], second)
	l.ended = func(t int) {
		if l.connected == never {
			n.next(st, t)
		}
	}
	return l
}

// reach rings a terminal with the caller of the call.
func (n *line) reach(st *story, w workplace, terminal string, second int) *leg {
	l := n.newLeg(st, rings, terminal, w, second)
	n.ring(l, n.manner.PickUp, ringsFor, func(t int) { n.talk(l, t) })
	return l
}

// terminate ends a leg; a call that nobody has answered goes on by its route.
// What the operator does with a leg that talks is not documented: here the
// talk ends.
func (n *line) terminate(l *leg) error {
	n.end(l, n.clock)
	return nil
}

// transfer leads a call elsewhere: one that is held or rings, to a workplace;
// one that talks, to a number outside as well. Under a border controller's id
// the rest of the call has an id of its own.
func (n *line) transfer(l *leg, target string) error {
	w, terminal := n.company.terminal(target)
	number, isNumber := digits(target)
	switch {
	case l.role == dials && l.connected == never, w == nil && (!isNumber || l.connected == never):
		return errors.New("this leg cannot be transferred there")
	}
	st, now := l.story, n.clock
	if l.connected == never {
		l.ended = nil
		n.end(l, now)
		n.reach(st, *w, terminal, now)
		return nil
	}
	l.hiding = now - st.offset
	n.tell(l, "hiding")
	n.end(l, now)
	switch {
	case w == nil:
		out := n.newLeg(n.newStory(Transferred, now, number, st.external), dials, l.account, l.workplace, now)
		n.ring(out, n.manner.Answer, outsideFor, func(t int) { n.talk(out, t) })
	case st.suffixed:
		n.reach(st, *w, terminal, now)
	default:
		on := n.newStory(Transferred, now, st.client.number, st.external)
		on.call.Direction = "incoming"
		in := n.newLeg(on, rings, terminal, *w, now)
		in.forwarders = []any{party{"id": l.workplace.sip}}
		n.ring(in, n.manner.PickUp, ringsFor, func(t int) { n.talk(in, t) })
	}
	return nil
}
