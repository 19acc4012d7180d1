package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"time"
)

// HistoryCall is a call of a History as it happened, with what was told of it.
type HistoryCall struct {
	Call // its Legs, Recordings and Notifications are empty: they are below

	ClientRaw, ExternalRaw string // as the operator spelled them first; empty: nowhere
	Transport              string
	Caller, Callee         HistorySide // of an internal call
	Parts                  []HistoryLeg
	Notes                  []HistoryNote // in the order in which they are sent
	Files                  []HistoryFile // in the order of their announcement
}

// HistorySide is one of the company in an internal call, as each notification of it
// says.
type HistorySide struct{ AccountID, Extension, Name string }

// HistoryLeg is one Call-ID at one account of the company. Its times are seconds
// from the start of the call, below 0 where it did not happen.
type HistoryLeg struct {
	PlatformID, Tag, AccountID string
	Type                       string // incoming or outgoing
	Parking                    bool
	First                      int  // what trying and showing say
	Showing                    bool // else trying only
	Connected, Hiding          int
	Finished                   int // below 0: it was lost, or never told
	Talk                       int
	Duration                   int // as "finished" says it; below 0: null or absent
	Reason, ReasonCode         string
	Notes                      int // that were sent of it, recordings apart
}

// HistoryNote is one notification. Received less the moment that it tells of is
// the same for the call's first one and longer by less than a second for all
// others.
type HistoryNote struct {
	State    string
	Received time.Time // whole milliseconds
	Body     []byte
}

// HistoryFile is a recording.
type HistoryFile struct {
	URL, LegID, AccountID string
	Seconds               int
	Made                  time.Time // the end of the talk, whose date the link bears
	Announced             time.Time // when its notification is received
}

// teller makes calls up, one at a time, in memory of its own.
type teller struct {
	h    *History
	open openMissed // who waits to be called back
	out  HistoryCall
	text []byte
	sent []sent
}

// sent is a notification before it has its body.
type sent struct {
	leg   *leg
	part  int
	file  int // of a recorded; else -1
	state string
	at    int
	stamp int
}

func newTeller(h *History) *teller { return &teller{h: h} }

// call tells call i.
func (t *teller) call(i int, at time.Time) *HistoryCall {
	t.out = HistoryCall{Parts: t.out.Parts[:0], Notes: t.out.Notes[:0], Files: t.out.Files[:0]}
	t.text, t.sent = t.text[:0], t.sent[:0]
	st := t.h.begin(&t.out.Call, i, at)
	back := t.open.answer(st)
	st.account = st.client.foreign || st.r.IntN(6) != 0
	st.transport = "10.133." + strconv.Itoa(32+st.r.IntN(20)) + "." + strconv.Itoa(1+st.r.IntN(250)) + ":507" + strconv.Itoa(st.r.IntN(10))
	st.happen()
	t.loseEnd(st)
	st.call.PlatformID = st.base
	st.settle()
	t.open.note(st, back)
	t.out.Transport = st.transport
	t.tell(st)
	return &t.out
}

// begin draws what call i is about: its kind, its number and who the client is,
// called back or calling again apart.
func (h *History) begin(c *Call, i int, at time.Time) *story {
	r := newRand(h.opts.Seed, streamCall, uint64(i))
	st := &story{call: c, r: r, company: h.company, index: i}
	st.call.StartedAt = at
	st.call.Kind = pickKind(h.opts.Seed, math.MaxInt, r) // by weight, from the first on
	if !working(at) && r.IntN(100) < 85 {
		st.call.Kind = AfterHours
	}
	st.external = h.company.externals[lowFirst(r, len(h.company.externals))]
	st.client = h.client(i, st.goesOut(), r)
	if r.IntN(16) == 0 {
		st.hidden = 1 + r.IntN(3)
	}
	return st
}

// client numbers clients by the call in which they were first met: two
// thirds of the incoming calls are first ones, the others come again, most of
// them soon, some from a few hundred who call for years; outgoing calls go to
// those who called lately more often than not.
func (h *History) client(i int, outgoing bool, r *rand.Rand) client {
	lately, soon := min(3000, h.opts.Calls/50), min(30_000, h.opts.Calls/20) // calls ago
	n := i
	switch u := r.IntN(100); {
	case u < 6:
		n = -1 - lowFirst(r, 400)
	case outgoing && u < 60:
		n = i - int(r.ExpFloat64()*float64(lately))
	case u < 24:
		n = i - int(r.ExpFloat64()*float64(soon))
	}
	if n < -400 {
		n = i
	}
	n += 400
	name := clientNames[n%len(clientNames)]
	if n%48 == 5 {
		return client{number: fmt.Sprintf("999%09d", n), name: name, foreign: true}
	}
	return client{number: fmt.Sprintf("70%09d", n), name: name}
}

// lowFirst draws from 0 … n-1, the lower the likelier.
func lowFirst(r *rand.Rand, n int) int {
	u := r.Float64()
	return int(u * u * float64(n))
}

// endsTold is how long before a history's end no "finished" is lost any more: by
// then a call without one is over by inference, and does not merely go on still.
const endsTold = 8 * time.Hour

// loseEnd makes one answered call in 400 come without "finished".
func (t *teller) loseEnd(st *story) {
	lose := st.r.IntN(400) == 0 && st.call.StartedAt.Before(t.h.opts.To.Add(-endsTold))
	if l := st.legs[0]; lose && len(st.legs) == 1 && l.connected != never {
		l.hiding, l.finished, l.duration, l.reason = l.connected+l.talk, never, never, ""
	}
}

// tell fills in legs, recordings and notifications.
func (t *teller) tell(st *story) {
	delay := time.Duration(40+st.r.IntN(400)) * time.Millisecond
	for k, l := range st.legs {
		t.out.Parts = append(t.out.Parts, historyLeg(st, l))
		t.send(k, l)
	}
	sort.SliceStable(t.sent, func(i, j int) bool { return t.sent[i].at < t.sent[j].at })
	t.files(st)
	w := newHistoryBodies(t, st)
	for k, s := range t.sent {
		received := st.call.StartedAt.Add(time.Duration(s.at)*time.Second + delay)
		if k > 0 {
			received = received.Add(time.Duration(st.r.IntN(600)) * time.Millisecond)
		}
		begin := len(t.text)
		if s.file >= 0 {
			t.out.Files[s.file].Announced = received
			t.text = w.recorded(t.text, t.out.Files[s.file])
		} else {
			t.text = w.note(t.text, s)
			t.out.Parts[s.part].Notes++
		}
		t.out.Notes = append(t.out.Notes, HistoryNote{State: s.state, Received: received, Body: t.text[begin:len(t.text):len(t.text)]})
	}
}

func historyLeg(st *story, l *leg) HistoryLeg {
	out := HistoryLeg{
		PlatformID: l.id, Tag: l.tag, AccountID: l.account, Type: "incoming", Parking: l.role == parking,
		First: l.first, Showing: l.showing, Connected: l.connected, Hiding: l.hiding, Finished: l.finished,
		Talk: l.talk, Duration: l.duration, Reason: l.reason,
	}
	if l.role == dials || l.role == callsOut {
		out.Type = "outgoing"
	}
	if out.Finished < 0 {
		out.Reason = "" // nothing tells it
	} else if st.r.IntN(10) == 0 {
		out.ReasonCode = "16"
	}
	return out
}

func (t *teller) send(part int, l *leg) {
	add := func(state string, at, stamp int) {
		t.sent = append(t.sent, sent{leg: l, part: part, file: -1, state: state, at: at, stamp: stamp})
	}
	if l.trying {
		add("trying", l.first, l.first)
	}
	if l.showing {
		add("showing", l.first, l.first)
	}
	if l.connected != never {
		add("connected", l.connected, l.connected)
	}
	if l.hiding != never {
		add("hiding", l.hiding, l.first)
	}
	if l.finished != never {
		add("finished", l.finished, never)
	}
}

// files records five of six talks, as Sim does.
func (t *teller) files(st *story) {
	for _, l := range st.legs {
		if l.connected == never || l.role == callsIn || st.call.Kind != RecordedTwice && st.r.IntN(6) == 0 {
			continue
		}
		parts := []int{l.talk}
		if st.call.Kind == RecordedTwice && l.talk > 1 {
			parts = []int{l.talk / 2, l.talk - l.talk/2}
		}
		end := l.connected + l.talk
		made := st.call.StartedAt.Add(time.Duration(end) * time.Second)
		for _, seconds := range parts {
			url := t.h.opts.RecordBase + "/records/" + t.h.company.centrex + made.Format("/2006/01/02/") + historyRecordName(st.r) + ".mp3"
			t.sent = append(t.sent, sent{file: len(t.out.Files), state: "recorded", at: end + 2 + st.r.IntN(14)})
			t.out.Files = append(t.out.Files, HistoryFile{URL: url, LegID: l.id, AccountID: l.account, Seconds: seconds, Made: made})
		}
	}
}

// historyRecordName is recordName without fmt, which is half of the time here.
func historyRecordName(r *rand.Rand) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, 35)
	for part := range 4 {
		if part > 0 {
			b = append(b, '_')
		}
		for n, k := r.Uint32(), 0; k < 8; k++ {
			b = append(b, hex[n>>(28-4*k)&15])
		}
	}
	return string(b)
}
