package sim

import (
	"encoding/json"
	"strconv"
	"time"
)

// historyBodies renders a call's notifications: as Sim does, but each side of a
// leg only once, and by appending.
type historyBodies struct {
	t       *teller
	st      *story
	callers []string // by leg, as JSON
	callees []string
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("sim: a string cannot be encoded: " + err.Error())
	}
	return string(b)
}

func newHistoryBodies(t *teller, st *story) *historyBodies {
	w := &historyBodies{t: t, st: st, callers: make([]string, len(st.legs)), callees: make([]string, len(st.legs))}
	name := t.h.names[st.r.IntN(len(t.h.names))]
	for k, l := range st.legs {
		switch l.role {
		case parking:
			w.callers[k], w.callees[k] = w.clientCalling(name), w.parkedNumber()
		case rings:
			w.callers[k], w.callees[k] = w.clientCalling(name), w.ringing(l)
		case dials:
			w.callers[k], w.callees[k] = w.dialing(l), w.clientCalled()
		case callsOut:
			w.callers[k], w.callees[k] = w.colleague(l.workplace, l.account), w.colleague(l.peer, l.peerAcc)
			t.out.Caller = HistorySide{l.account, l.workplace.extension, l.workplace.name}
			t.out.Callee = HistorySide{l.peerAcc, l.peer.extension, l.peer.name}
		case callsIn:
			w.callers[k], w.callees[k] = w.colleague(l.peer, l.peerAcc), w.colleague(l.workplace, l.account)
		}
	}
	return w
}

// spelled is a number in one of the operator's forms.
func (w *historyBodies) spelled(number string, foreign bool) string {
	switch n := w.st.r.IntN(6); {
	case foreign || n < 2:
		return "+" + number
	case n < 3:
		return "8" + number[1:]
	}
	return number
}

// clientCalling is the outside caller of an incoming leg. The form that the
// product takes is that of the first leg.
func (w *historyBodies) clientCalling(name string) string {
	c := w.st.client
	switch w.st.hidden {
	case 1:
		return `{"accountId":"anonymous@pstn","displayId":"anonymous","displayName":"Anonymous","forwarderList":[],"id":"anonymous"}`
	case 2:
		return `{"displayId":"","displayName":"","forwarderList":[],"id":""}`
	case 3:
		return `{"displayId":"Restricted","forwarderList":[],"id":"restricted"}`
	}
	display := w.spelled(c.number, c.foreign)
	account, raw := "", display
	if w.st.account {
		raw = c.number + "@pstn"
		account = `"accountId":"` + raw + `",`
	}
	if out := &w.t.out; out.ClientRaw == "" {
		out.ClientRaw = raw
	} else if !w.st.account {
		display = out.ClientRaw // which leg is told first is not known here
	}
	return `{` + account + `"displayId":"` + display + `","displayName":` + name + `,"forwarderList":[],"id":"` + w.spelled(c.number, c.foreign) + `"}`
}

// clientCalled is the outside number of an outgoing call.
func (w *historyBodies) clientCalled() string {
	c := w.st.client
	raw := w.spelled(c.number, c.foreign)
	if c.foreign && w.st.r.IntN(2) == 0 {
		raw = "810" + c.number
	}
	w.t.out.ClientRaw = raw
	return `{"displayId":"` + w.spelled(c.number, c.foreign) + `","forwarderList":[],"id":"` + raw + `"}`
}

func (w *historyBodies) centrex() string { return `"centrexId":"` + w.st.company.centrex + `",` }

func (w *historyBodies) parkedNumber() string {
	number := w.st.external
	w.t.out.ExternalRaw = number
	return `{"accountId":"` + number + `",` + w.centrex() + `"displayId":"` + number + `","displayName":"","forwarderList":[],"id":"` + number + `"}`
}

// ringing is our side of an incoming leg. Its display name holds the dialled
// number; behind a parking leg, which tells that too, the employee's name.
func (w *historyBodies) ringing(l *leg) string {
	name := w.t.h.places[l.workplace.sip]
	if out := &w.t.out; w.st.legs[0].role != parking {
		if out.ExternalRaw == "" {
			out.ExternalRaw = w.spelled(w.st.external, false)
		}
		name = `"` + out.ExternalRaw + `"`
	}
	extension := ""
	if w.st.r.IntN(3) == 0 {
		extension = l.workplace.extension
	}
	routing := `{"id":"an_prd` + strconv.Itoa(100275045+w.st.r.IntN(9)) + "-" + strconv.Itoa(3881000+w.st.r.IntN(1000)) + `"}`
	if w.st.r.IntN(8) == 0 {
		routing = ""
	}
	return `{"accountId":"` + l.account + `",` + w.centrex() + `"displayId":"` + l.account + `","display_name":` + name +
		`,"extensionId":"` + extension + `","forwarderList":[` + routing + `],"tag":"scheme_prd` +
		strconv.Itoa(100275045+w.st.r.IntN(9)) + "-" + strconv.Itoa(3885000+w.st.r.IntN(1000)) + `"}`
}

func (w *historyBodies) dialing(l *leg) string {
	raw := w.spelled(w.st.external, false)
	w.t.out.ExternalRaw = raw
	return `{"accountId":"` + l.account + `",` + w.centrex() + `"displayId":"` + raw + `","forwarderList":[],"id":"` + w.spelled(w.st.external, false) + `"}`
}

func (w *historyBodies) colleague(p workplace, terminal string) string {
	return `{"accountId":"` + terminal + `",` + w.centrex() + `"displayId":"` + p.extension + `","displayName":` +
		w.t.h.places[p.sip] + `,"forwarderList":[],"id":"` + p.extension + `"}`
}

// note appends one state of a leg; its keys are sorted, as in the examples.
func (w *historyBodies) note(b []byte, s sent) []byte {
	b = append(b, `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"`...)
	b = append(b, s.leg.id...)
	b = append(b, `","tag":"`...)
	b = append(b, s.leg.tag...)
	b = append(b, `"},"callee":`...)
	b = append(b, w.callees[s.part]...)
	if s.state != "finished" || s.leg.role != rings || w.st.r.IntN(5) > 1 {
		b = append(b, `,"caller":`...)
		b = append(b, w.callers[s.part]...)
	}
	beside := s.state == "finished" && w.st.r.IntN(6) == 0 // as one example is printed
	if beside {
		b = append(b, '}')
	}
	if s.state == "finished" {
		b = w.end(b, s)
	} else {
		b = append(b, `,"startTime":"`...)
		b = w.st.call.StartedAt.Add(time.Duration(s.stamp)*time.Second).AppendFormat(b, time.DateTime)
		b = append(b, '"')
	}
	b = append(b, `,"state":"`...)
	b = append(b, s.state...)
	b = append(b, `","transportId":"`...)
	b = append(b, w.st.transport...)
	b = append(b, `","type":"`...)
	b = append(b, w.t.out.Parts[s.part].Type...)
	if !beside {
		b = append(b, `"}}}`...)
		return b
	}
	return append(b, `"}}`...)
}

func (w *historyBodies) end(b []byte, s sent) []byte {
	b = append(b, `,"duration":`...)
	if s.leg.duration == never {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, int64(s.leg.duration), 10)
	}
	b = append(b, `,"reason":"`...)
	b = append(b, s.leg.reason...)
	b = append(b, `","reasonCode":`...)
	if code := w.t.out.Parts[s.part].ReasonCode; code != "" {
		return append(b, code...)
	}
	return append(b, "null"...)
}

func (w *historyBodies) recorded(b []byte, f HistoryFile) []byte {
	b = append(b, `{"event":"callNotifications","result":{"callInfo":{"accountId":"`...)
	b = append(b, f.AccountID...)
	b = append(b, `","call":{"id":"`...)
	b = append(b, f.LegID...)
	b = append(b, `"},"state":"recorded","urlRecord":"`...)
	b = append(b, f.URL...)
	return append(b, `"}}}`...)
}
