package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"time"
)

// Kind is what happens in a call.
type Kind string

// The kinds of calls. The first calls of a run are one of each, so that a short
// run shows everything; after them they come by weight.
const (
	Parked        Kind = "parked"         // incoming, held 5 s on the external number, then answered at one terminal
	RecordedTwice Kind = "recorded_twice" // as Parked, with two recordings of the one talk
	Group         Kind = "group"          // all terminals of a workplace ring at once, one answers
	Hunt          Kind = "hunt"           // one workplace rings in vain, then another answers
	Transfer      Kind = "transfer"       // one workplace talks, then another, under one call id
	Direct        Kind = "direct"         // incoming without parking, answered
	Missed        Kind = "missed"         // incoming, parked, rang, nobody answered
	MissedDirect  Kind = "missed_direct"  // the same without parking
	GaveUp        Kind = "gave_up"        // incoming, the caller hangs up within AbandonAfter
	AfterHours    Kind = "after_hours"    // incoming, a parking leg and nothing else
	Outgoing      Kind = "outgoing"       // answered
	OutgoingBusy  Kind = "outgoing_busy"
	OutgoingNoAns Kind = "outgoing_no_answer"
	Internal      Kind = "internal"
	InternalNoAns Kind = "internal_no_answer"
)

// Earlier is a call under an id that another call bears a day or more later.
const Earlier Kind = "earlier"

// The kinds of calls that only Platform plays.
const (
	Asked         Kind = "asked"          // incoming, by order of the simulator
	MadeWorkplace Kind = "made_workplace" // the first leg of makeCall: the workplace is rung
	MadeNumber    Kind = "made_number"    // its second leg: the number is rung
	Transferred   Kind = "transferred"    // goes on under a Call-ID of its own after transferCall
)

// kinds returns every kind with its weight.
func kinds() (names []Kind, weights []int) {
	return []Kind{
			Parked, RecordedTwice, Group, Hunt, Transfer, Direct, Missed, MissedDirect, GaveUp,
			AfterHours, Outgoing, OutgoingBusy, OutgoingNoAns, Internal, InternalNoAns,
		},
		[]int{20, 3, 10, 7, 7, 8, 6, 3, 5, 4, 16, 3, 4, 3, 1}
}

// pickKind chooses the kind of call i.
func pickKind(seed uint64, i int, r *rand.Rand) Kind {
	names, weights := kinds()
	if i < len(names) {
		return names[newRand(seed, streamCall, math.MaxUint32).Perm(len(names))[i]]
	}
	n := r.IntN(100)
	for k, w := range weights {
		if n -= w; n < 0 {
			return names[k]
		}
	}
	return Parked
}

// Call is one call as it happened, and what was told of it.
type Call struct {
	Kind       Kind
	PlatformID string // the operator's id without the suffix of a leg
	Direction  string // incoming, outgoing, internal
	StartedAt  time.Time
	Answered   bool
	Ring       time.Duration // first showing (else trying) to connected; 0 if not answered
	Waited     time.Duration // from the first event to the answer, else to the end
	Talk       time.Duration // union over the workplaces' legs
	Client     string        // E.164 digits; empty: hidden, or internal
	External   string        // digits of our number; empty: internal
	Legs       []Leg
	Recordings []*Recording

	Notifications []*Notification // in the order of the events

	directory *Notification // a change of the directory that follows the call; mostly nil
	index     int
	transport string
	// answerUntold: no notification says when it was answered.
	answerUntold bool
	played       bool  // by Platform, which posts it itself
	reused       bool  // its id was another call's before …
	before       *Call // … this one's
	cut          bool  // and was ended by Close
	// lastTime is the latest moment the notifications name, from the start.
	lastTime time.Duration
}

// Leg is one Call-ID at one account of the company.
type Leg struct {
	PlatformID string
	AccountID  string // a terminal, or the external number of a parking leg
	Kind       string // parking, workplace
	StartedAt  time.Time
	Answered   bool
	Talk       time.Duration
}

// role says whose parties a leg's notifications show.
type role int

const (
	parking  role = iota // client → external number
	rings                // client → terminal
	dials                // terminal → client
	callsOut             // terminal → terminal, the caller's leg
	callsIn              // terminal → terminal, the callee's leg
)

const never = -1

// leg is a leg in the making. Its times are seconds from the start of the call.
type leg struct {
	id, tag   string
	lastTag   string // as its newest notification spells it
	role      role
	account   string // of this leg
	workplace workplace
	peer      workplace // internal calls: the other side
	peerAcc   string

	first                       int // the time trying and showing bear
	connected, hiding, finished int // never, if it does not come
	trying, showing             bool
	unconnected                 bool // "connected" is never sent
	talk                        int
	duration                    int // as "finished" says it; never: null or absent
	reason                      string

	// Of a leg that Platform plays.
	story      *story
	forwarders []any
	ended      func(second int) // what follows its end
}

// story is a call in the making.
type story struct {
	call     *Call
	r        *rand.Rand
	company  *company
	index    int
	base     string
	tag      string // of a border controller's id, else drawn for each leg
	suffixed bool
	suffix   int
	legs     []*leg
	strange  bool
	offset   int // of a line's call: the line's second at which it starts

	client    client
	hidden    int    // 0: shown; else one of the ways to hide
	account   bool   // the client's number stands in accountId
	nameKey   string // how the display name is spelled; "": not sent
	external  string
	transport string
}

// newStory makes up call i.
func newStory(s *Sim, i int, m moment) *Call {
	r := newRand(s.opts.Seed, streamCall, uint64(i))
	st := &story{call: &Call{index: i}, r: r, company: s.currentCompany(), index: i}
	st.call.Kind = pickKind(s.opts.Seed, i, r)
	if names, _ := kinds(); m.closed && i >= len(names) {
		st.call.Kind = AfterHours
	}
	st.external = st.company.externals[r.IntN(len(st.company.externals))]
	st.transport = fmt.Sprintf("10.133.%d.%d:507%d", 32+r.IntN(20), 1+r.IntN(250), r.IntN(10))
	st.call.transport = st.transport
	st.drawClient()
	st.happen()
	st.call.PlatformID = st.base
	st.settle()
	st.call.StartedAt = m.at
	if m.end {
		st.call.StartedAt = m.at.Add(-time.Duration(st.end()) * time.Second)
	}
	for _, l := range st.legs {
		st.call.Legs = append(st.call.Legs, l.public(st.call.StartedAt))
	}
	st.record(s)
	odd := s.opts.Faults.odd(s.opts.Seed, i)
	if odd.unconnected {
		st.hideAnswer()
	}
	st.strange = odd.strange
	st.render()
	st.call.reused = odd.reused && !st.suffixed
	return st.call
}

func (st *story) drawClient() {
	st.client = st.company.pickClient(st.r)
	st.account = st.client.foreign || st.r.IntN(6) != 0
	if st.r.IntN(16) == 0 {
		st.hidden = 1 + st.r.IntN(3)
	}
	st.nameKey = []string{"displayName", "displayName", "display_name", ""}[st.r.IntN(4)]
}

// settle writes down what became of the call.
func (st *story) settle() {
	c := st.call
	ring, connected := math.MaxInt, math.MaxInt
	for _, l := range st.legs {
		if l.showing {
			ring = min(ring, l.first)
		}
		if l.connected != never {
			c.Answered = true
			connected = min(connected, l.connected)
		}
		c.lastTime = max(c.lastTime, time.Duration(max(l.first, l.connected))*time.Second)
	}
	if ring == math.MaxInt {
		ring = 0 // the trying of an outgoing call
	}
	if c.Answered {
		c.Ring = time.Duration(connected-ring) * time.Second
		c.Waited = time.Duration(connected) * time.Second
	} else {
		c.Waited = time.Duration(st.end()) * time.Second
	}
	c.Talk = time.Duration(talkUnion(st.legs)) * time.Second
}

// talkUnion is the seconds in which at least one of the legs talked.
func talkUnion(legs []*leg) int {
	legs = append([]*leg(nil), legs...)
	sort.Slice(legs, func(i, j int) bool { return legs[i].connected < legs[j].connected })
	total, until := 0, 0
	for _, l := range legs {
		if l.connected == never {
			continue
		}
		from, to := max(l.connected, until), l.connected+l.talk
		total += max(0, to-from)
		until = max(until, to)
	}
	return total
}

// end is the second at which the last leg was over.
func (st *story) end() int {
	end := 0
	for _, l := range st.legs {
		end = max(end, l.first, l.connected+l.talk, l.hiding, l.finished)
	}
	return end
}

func (l *leg) public(start time.Time) Leg {
	out := Leg{
		PlatformID: l.id, AccountID: l.account, Kind: "workplace", Answered: l.connected != never,
		StartedAt: start.Add(time.Duration(l.first) * time.Second), Talk: time.Duration(l.talk) * time.Second,
	}
	if l.role == parking {
		out.Kind = "parking"
	}
	return out
}

// Outcome is answered, missed, abandoned or no_answer.
func (c *Call) Outcome() string {
	switch {
	case c.Answered:
		return "answered"
	case c.Direction != "incoming":
		return "no_answer"
	case c.Waited < AbandonAfter:
		return "abandoned"
	default:
		return "missed"
	}
}

// OutcomeCertain says whether the notifications' own times prove the outcome.
// They do not where an incoming call ended unanswered before they show a wait
// of AbandonAfter: then missed and abandoned differ by receive times alone.
func (c *Call) OutcomeCertain() bool {
	return c.Answered || c.Direction != "incoming" || c.lastTime >= AbandonAfter
}
