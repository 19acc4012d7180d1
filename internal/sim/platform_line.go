package sim

import (
	"errors"
	"slices"
	"time"
)

// A line is a call that Platform plays second by second, since it may be told
// to take another way. Its ids may be several calls by the operator's own
// spelling: the second half of makeCall, or a talk that was transferred, bears
// a Call-ID of its own.
//
// One goroutine works off its agenda, and orders from the API reach it as
// functions, so that nothing in it needs a lock. A second one posts what is
// told, in order: a listener that is away must not hold up the call.
type line struct {
	p       *Platform
	company *company
	manner  Manner
	began   time.Time
	agenda  []*step
	clock   int // the second that it has come to
	orders  chan func()
	notes   chan *Notification
	done    chan struct{} // closed when the agenda is worked off

	stories []*story
	route   []workplace // where the call goes next when it is not told otherwise
}

// step is something that happens to a leg at a second of the line.
type step struct {
	at  int
	leg *leg // whose end makes it void; nil: nobody's
	do  func(second int)
}

const (
	parkedFor   = 5  // seconds; the page's own number
	ringsFor    = 15 // seconds at one workplace of the routing
	makeCallFor = 60 // seconds that makeCall rings the workplace; the page's own number
	outsideFor  = 40 // seconds that a number outside is rung
)

var errNoLeg = errors.New("no such call")

// newLine begins a line. begin adds its first leg, before any order comes.
func (p *Platform) newLine(begin func(*line)) error {
	p.mu.Lock()
	n := &line{
		p: p, company: p.company, manner: p.opts.Manner, began: time.Now(),
		orders: make(chan func()), notes: make(chan *Notification, 1024), done: make(chan struct{}),
	}
	p.mu.Unlock()
	begin(n)
	return p.start(n.run, n.post)
}

// start runs functions that Close waits for.
func (p *Platform) start(work ...func()) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errors.New("the simulator is closed")
	}
	for _, f := range work {
		p.calls.Go(f)
	}
	return nil
}

// run works off the agenda. When it is empty, the calls are over and go to the
// ledger.
func (n *line) run() {
	defer n.file()
	for len(n.agenda) > 0 {
		next := slices.MinFunc(n.agenda, func(a, b *step) int { return a.at - b.at })
		due := n.began.Add(time.Duration(float64(next.at) / n.p.opts.Speed * float64(time.Second)))
		timer := time.NewTimer(time.Until(due))
		select {
		case <-timer.C:
			n.agenda = slices.DeleteFunc(n.agenda, func(s *step) bool { return s == next })
			n.clock = next.at
			next.do(next.at)
		case order := <-n.orders:
			n.clock = max(n.clock, int(time.Since(n.began).Seconds()*n.p.opts.Speed))
			order()
		case <-n.p.ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

func (n *line) at(second int, l *leg, do func(second int)) {
	n.agenda = append(n.agenda, &step{second, l, do})
}

// forget removes what was to happen to the leg.
func (n *line) forget(l *leg) {
	n.agenda = slices.DeleteFunc(n.agenda, func(s *step) bool { return s.leg == l })
}

// file settles the calls and hands them to the Sim.
func (n *line) file() {
	close(n.done)
	close(n.notes)
	s := n.p.opts.Sim
	for _, st := range n.stories {
		st.call.PlatformID = st.base
		st.call.played, st.call.cut = true, len(n.agenda) > 0
		st.settle()
		for _, l := range st.legs {
			st.call.Legs = append(st.call.Legs, l.public(st.call.StartedAt))
		}
	}
	n.p.mu.Lock()
	for _, st := range n.stories {
		for _, l := range st.legs {
			delete(n.p.lines, l.id)
		}
	}
	n.p.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range n.stories {
		s.calls = append(s.calls, st.call)
	}
}

func (n *line) post() {
	for note := range n.notes {
		n.p.deliver(note)
	}
}

// deliver posts a notification if there is somewhere to post it.
func (p *Platform) deliver(note *Notification) {
	uri := p.redirectURI()
	if uri == "" {
		return
	}
	s := p.opts.Sim
	s.lastAck.Store(time.Now().UnixNano()) // an outage before is none of this one's
	(&poster{s: s, client: p.opts.Client, url: EventsURL(uri)}).deliver(p.ctx, note)
}

// tell posts a state of a leg, with the moment it has been reached at.
func (n *line) tell(l *leg, state string) {
	at, stamp := l.first, l.first
	switch state {
	case "connected":
		at, stamp = l.connected, l.connected
	case "hiding":
		at = l.hiding
	case "finished":
		at, stamp = l.finished, never
	}
	l.story.tell(l, state, at, stamp)
	n.postLatest(l.story)
}

func (n *line) postLatest(st *story) {
	n.notes <- st.call.Notifications[len(st.call.Notifications)-1]
}

// tellLine finds the leg that the request names, verbatim from its newest
// notification, and has its line do it.
func (p *Platform) tellLine(q params, do func(*line, *leg) error) error {
	p.mu.Lock()
	n := p.lines[q.Call.ID]
	p.mu.Unlock()
	if n == nil {
		return errNoLeg
	}
	answer := make(chan error, 1)
	order := func() {
		l := n.leg(q.Call.ID)
		switch {
		case l == nil || l.over():
			answer <- errNoLeg
		case l.lastTag != q.Call.Tag || l.story.transport != q.TransportID:
			answer <- errors.New("the tag or the transport is not this leg's")
		default:
			answer <- do(n, l)
		}
	}
	select {
	case n.orders <- order:
		return <-answer
	case <-n.done:
		return errNoLeg
	}
}

func (n *line) leg(id string) *leg {
	for _, st := range n.stories {
		for _, l := range st.legs {
			if l.id == id {
				return l
			}
		}
	}
	return nil
}
