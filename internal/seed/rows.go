package seed

import (
	"cmp"
	"slices"
	"time"

	"fonoteka/internal/sim"
)

// rows writes what a call is to the tables.
func (w *writer) rows(c *sim.HistoryCall) {
	k := w.know(c)
	w.addEvents(c, k)
	w.addKey(k)
	w.addClient(c, k)
	w.addLegs(c, k)
	w.addRecordings(c, k)
	w.addCall(c, k)
}

// known is what several tables say of a call.
type known struct {
	call       uint64
	version    uint64
	legs       []leg // by start, then id
	recordings []string
	started    time.Time
	ended      time.Time
	outcome    string
	account    string
	hungUp     string
	ring, wait int  // milliseconds
	transfers  int  //
	partial    bool // its end was lost
	noEnd      bool // some talk's end is told by no duration
}

type leg struct {
	*sim.HistoryLeg
	id       uint64
	ended    int // seconds from the start of the call; below 0: not known
	answered bool
	noEnd    bool // its talk is told by receive times
}

const secondsToMS = 1000

// know works out what the story says between the lines: when the call was over,
// whose it was, who hung up.
func (w *writer) know(c *sim.HistoryCall) known {
	k := known{call: w.id("call", w.s.o.Integration, c.PlatformID), started: c.StartedAt, outcome: c.Outcome(), hungUp: "unknown", ring: -1}
	for i := range c.Parts {
		p := &c.Parts[i]
		l := leg{HistoryLeg: p, id: w.id("leg", w.s.o.Integration, p.PlatformID, p.AccountID), answered: p.Connected >= 0, ended: p.Finished}
		switch {
		case l.answered && p.Duration >= 0:
			l.ended = p.Connected + p.Duration
		case l.answered: // it moved on, or its end was lost
			l.ended, l.noEnd = p.Connected+p.Talk, true
			k.partial = k.partial || len(c.Parts) == 1
		}
		k.noEnd = k.noEnd || l.noEnd
		k.legs = append(k.legs, l)
	}
	slices.SortFunc(k.legs, func(a, b leg) int { return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.id, b.id)) })
	k.version = uint64(len(c.Notes))<<16 | uint64(bit(k.partial))
	end := k.conclude(c)
	k.ended = at(c, end)
	k.wait = end * secondsToMS
	if c.Answered {
		k.ring, k.wait = int(c.Ring/time.Millisecond), int(c.Waited/time.Millisecond)
	}
	for _, f := range c.Files {
		k.recordings = append(k.recordings, w.recordingID(f.URL))
	}
	return k
}

// conclude finds the end, the account and who hung up.
func (k *known) conclude(c *sim.HistoryCall) (end int) {
	var whose, last *leg
	talked := map[string]bool{}
	for i := range k.legs {
		l := &k.legs[i]
		if c.Answered && !l.answered {
			continue
		}
		// The last talk ends the call; where nobody talked, the last thing that is told.
		end = max(end, l.ended)
		if !c.Answered && !l.Parking {
			end = max(end, l.Hiding, l.First)
		}
		if l.Parking {
			continue
		}
		if whose == nil || rank(l) < rank(whose) {
			whose = l
		}
		if l.answered {
			talked[l.AccountID] = true
			if l.Reason != "" && (last == nil || l.ended > last.ended) {
				last = l
			}
		}
	}
	k.transfers = max(len(talked)-1, 0)
	if c.Direction == "internal" { // its two sides are no transfer
		k.transfers = max(len(talked)-2, 0)
	}
	if whose != nil {
		k.account = whose.AccountID
	}
	switch {
	case last == nil:
	case c.Direction == "incoming" && last.Reason == "Answer leg disconnected":
		k.hungUp = "us"
	case c.Direction == "outgoing" && last.Reason == "Originate leg disconnected":
		k.hungUp = "client"
	}
	return end
}

// rank orders legs: who talked first, else who rang first.
func rank(l *leg) int {
	if l.answered {
		return l.Connected
	}
	return l.First
}

// at is a moment of a call; the zero time for what did not happen.
func at(c *sim.HistoryCall, second int) time.Time {
	if second < 0 {
		return time.Time{}
	}
	return c.StartedAt.Add(time.Duration(second) * time.Second)
}

// latestMillis is what events.first_wins counts down from.
const latestMillis = 9_999_999_999_999

func (w *writer) addEvents(c *sim.HistoryCall, k known) {
	e := w.events
	for _, n := range c.Notes {
		e.integration.Append(w.s.o.Integration)
		e.call.Append(k.call)
		e.event.Append(eventID(n.Body))
		e.wins.Append(uint64(latestMillis - n.Received.UnixMilli()))
		e.kind.Append("call")
		e.state.Append(n.State)
		e.body.AppendBytes(n.Body)
	}
	e.rows += len(c.Notes)
}

func (w *writer) addKey(k known) {
	w.keys.integration.Append(w.s.o.Integration)
	w.keys.group.Append(k.call)
	w.keys.started.Append(k.started)
	w.keys.call.Append(k.call)
	w.keys.rows++
}

func (w *writer) addClient(c *sim.HistoryCall, k known) {
	if c.Client == "" {
		return
	}
	r := w.clients
	r.integration.Append(w.s.o.Integration)
	r.client.Append(c.Client)
	r.started.Append(k.started)
	r.call.Append(k.call)
	r.direction.Append(c.Direction)
	r.outcome.Append(k.outcome)
	r.external.Append(c.External)
	r.account.Append(k.account)
	r.talk.Append(uint32(c.Talk / time.Millisecond))
	r.version.Append(k.version)
	r.deleted.Append(0)
	r.rows++
}

func (w *writer) addLegs(c *sim.HistoryCall, k known) {
	r := w.legs
	for _, l := range k.legs {
		kind, ring := "workplace", -1
		if l.Parking {
			kind = "parking"
		}
		if l.answered {
			ring = (l.Connected - l.First) * secondsToMS
		}
		r.integration.Append(w.s.o.Integration)
		r.call.Append(k.call)
		r.leg.Append(l.id)
		r.platform.Append(l.PlatformID)
		r.kind.Append(kind)
		r.account.Append(l.AccountID)
		r.typ.Append(l.Type)
		r.sides(c)
		r.started.Append(k.started)
		r.legStarted.Append(orNull(at(c, l.First)))
		r.answeredAt.Append(orNull(at(c, l.Connected)))
		r.ended.Append(orNull(at(c, l.ended)))
		r.ring.Append(msOrNull(ring))
		r.talk.Append(uint32(l.Talk * secondsToMS))
		r.answered.Append(l.answered)
		r.inexact.Append(l.noEnd)
		r.finished.Append(l.Finished >= 0)
		r.reason.Append(l.Reason)
		r.code.Append(l.ReasonCode)
		r.tag.Append(l.Tag)
		r.transport.Append(c.Transport)
		r.events.Append(uint32(l.Notes))
		r.version.Append(k.version)
		r.deleted.Append(0)
	}
	r.rows += len(k.legs)
}

func (w *writer) addCall(c *sim.HistoryCall, k known) {
	r := w.calls
	var answered time.Time
	if c.Answered {
		answered = c.StartedAt.Add(c.Waited)
	}
	sorted := slices.Sorted(slices.Values(k.recordings))
	r.integration.Append(w.s.o.Integration)
	r.call.Append(k.call)
	r.group.Append(k.call)
	r.platform.Append(c.PlatformID)
	r.direction.Append(c.Direction)
	r.outcome.Append(k.outcome)
	r.client.Append(c.Client)
	r.clientRaw.Append(c.ClientRaw)
	r.external.Append(c.External)
	r.externalRaw.Append(c.ExternalRaw)
	r.account.Append(k.account)
	r.hungUp.Append(k.hungUp)
	r.sides(c)
	r.started.Append(k.started)
	r.answered.Append(orNull(answered))
	r.ended.Append(orNull(k.ended))
	r.ring.Append(msOrNull(k.ring))
	r.wait.Append(msOrNull(k.wait))
	r.talk.Append(uint32(c.Talk / time.Millisecond))
	r.attendant.Append(0)
	r.recordings.Append(sorted)
	r.transfers.Append(uint16(k.transfers))
	r.legs.Append(uint16(len(k.legs)))
	r.events.Append(uint32(len(c.Notes)))
	r.partial.Append(k.partial)
	r.startInexact.Append(false)
	r.endInexact.Append(!c.Answered || k.partial)
	r.talkInexact.Append(k.noEnd)
	r.byDuration.Append(false)
	r.badTimes.Append(false)
	r.version.Append(k.version)
	r.deleted.Append(0)
	r.rows++
}
