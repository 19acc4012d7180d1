package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sort"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf16"
)

// Notification is one message of the operator.
type Notification struct {
	State string // trying … recorded, or the type of a directory change
	// After is how long after the start of the call it is sent in life.
	After time.Duration

	body      atomic.Pointer[[]byte]
	recording *Recording // of a recorded
	directory bool
	posted    atomic.Bool // at least one attempt was begun
	acked     atomic.Bool // at least one attempt was answered 2xx
}

func newNotification(state string, after time.Duration, body []byte) *Notification {
	n := &Notification{State: state, After: after}
	n.body.Store(&body)
	return n
}

// Body is what is posted; nil once Live has finished with the call, so that
// endless traffic does not fill the memory.
func (n *Notification) Body() []byte {
	if b := n.body.Load(); b != nil {
		return *b
	}
	return nil
}

// render tells the call: every leg's events in the order of their moments.
func (st *story) render() {
	for _, l := range st.legs {
		if l.trying {
			st.tell(l, "trying", l.first, l.first)
		}
		if l.showing {
			st.tell(l, "showing", l.first, l.first)
		}
		if st.strange {
			st.tellStrange(l)
		}
		if l.connected != never && !l.unconnected {
			st.tell(l, "connected", l.connected, l.connected)
		}
		if l.hiding != never {
			st.tell(l, "hiding", l.hiding, l.first) // repeats the leg's first time
		}
		if l.finished != never {
			st.tell(l, "finished", l.finished, never)
		}
	}
	notes := st.call.Notifications
	sort.SliceStable(notes, func(i, j int) bool { return notes[i].After < notes[j].After })
	for _, rec := range st.call.Recordings {
		st.tellRecorded(rec)
	}
}

// tell sends one state of a leg at second at, bearing the time of second stamp.
func (st *story) tell(l *leg, state string, at, stamp int) {
	l.lastTag = oddTag(st.r, l.tag)
	info := map[string]any{
		"call":        map[string]any{"id": l.id, "tag": l.lastTag},
		"state":       state,
		"transportId": st.transport,
		"type":        "incoming",
	}
	if l.role == dials || l.role == callsOut {
		info["type"] = "outgoing"
	}
	st.parties(l, info)
	if stamp != never {
		when := st.call.StartedAt.Add(time.Duration(stamp) * time.Second)
		info["startTime"] = when.UTC().Format("2006-01-02 15:04:05")
	}
	result := map[string]any{"callInfo": info}
	if state == "finished" {
		st.finish(l, info, result)
	}
	if st.strange {
		st.strangeFields(info, result)
	}
	body := encode(st.r, map[string]any{"event": "callNotifications", "result": result})
	st.add(newNotification(state, time.Duration(at)*time.Second, body))
}

// finish adds what only "finished" says, and now and then writes some of it
// beside callInfo, as one of the operator's examples is printed.
func (st *story) finish(l *leg, info, result map[string]any) {
	switch {
	case l.duration == never && st.r.IntN(2) == 0:
		info["duration"] = nil
	case l.duration != never && st.r.IntN(5) == 0:
		info["duration"] = strconv.Itoa(l.duration)
	case l.duration != never:
		info["duration"] = l.duration
	}
	info["reason"], info["reasonCode"] = l.reason, nil
	if l.reason == "" && st.r.IntN(2) == 0 {
		info["reason"] = nil
	}
	if st.r.IntN(10) == 0 {
		info["reasonCode"] = []any{16, "16"}[st.r.IntN(2)]
	}
	if l.role == rings && st.r.IntN(5) < 2 {
		delete(info, "caller")
	}
	if st.r.IntN(6) == 0 {
		for _, key := range []string{"duration", "reason", "reasonCode", "state", "transportId", "type"} {
			if v, ok := info[key]; ok {
				result[key] = v
				delete(info, key)
			}
		}
	}
}

func (st *story) tellRecorded(rec *Recording) {
	n := newNotification("recorded", rec.after, encode(st.r, map[string]any{
		"event": "callNotifications",
		"result": map[string]any{"callInfo": map[string]any{
			"accountId": rec.account, "call": map[string]any{"id": rec.legID},
			"state": "recorded", "urlRecord": rec.URL,
		}},
	}))
	n.recording = rec
	st.add(n)
}

func (st *story) add(n *Notification) {
	st.call.Notifications = append(st.call.Notifications, n)
}

// directoryChange follows about every fiftieth call.
func directoryChange(seed uint64, i int) *Notification {
	r := newRand(seed, streamDirectory, uint64(i))
	if r.IntN(50) != 0 && i != 3 {
		return nil
	}
	return newDirectoryNotification([]string{"numbersChanged", "workplacesChanged"}[r.IntN(2)])
}

func newDirectoryNotification(kind string) *Notification {
	n := newNotification(kind, 0, fmt.Appendf(nil, `{"event":"vpbxNotifications","result":{"eventType":%q}}`, kind))
	n.directory = true
	return n
}

// encode writes JSON with sorted keys, as the operator's examples have them.
// One body in ten is plain ASCII with escapes, as some encoders write.
func encode(r *rand.Rand, v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("sim: a notification of maps and strings cannot be encoded: %v", err))
	}
	body := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	if r.IntN(10) != 0 {
		return body
	}
	var ascii []byte
	for _, c := range string(body) {
		if c < 0x80 {
			ascii = append(ascii, byte(c))
			continue
		}
		for _, unit := range utf16.Encode([]rune{c}) {
			ascii = fmt.Appendf(ascii, `\u%04x`, unit)
		}
	}
	return ascii
}
