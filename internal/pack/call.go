package pack

import (
	"cmp"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// Call is a line of calls.jsonl, in the order of Before. Durations are milliseconds.
type Call struct {
	Integration    string   `json:"integration"`
	CallID         uint64   `json:"call_id,string"`
	GroupID        uint64   `json:"group_id,string"` // of its events
	Version        uint64   `json:"version,string"`  // of the row when the selection was fixed
	PlatformCallID string   `json:"platform_call_id"`
	Direction      string   `json:"direction"`
	Outcome        string   `json:"outcome"`
	ClientNumber   string   `json:"client_number"`   // digits; empty: hidden, or no number
	ExternalNumber string   `json:"external_number"` // digits
	AccountID      string   `json:"account_id"`
	Employee       string   `json:"employee"`   // whose account it was when the call began
	Department     string   `json:"department"` // likewise
	Caller         string   `json:"caller"`     // this and the five behind it: of an internal call
	CallerExt      string   `json:"caller_extension"`
	CallerName     string   `json:"caller_name"`
	Callee         string   `json:"callee"`
	CalleeExt      string   `json:"callee_extension"`
	CalleeName     string   `json:"callee_name"`
	HungUp         string   `json:"hung_up"`
	StartedAt      Time     `json:"started_at"`
	AnsweredAt     Time     `json:"answered_at"`
	EndedAt        Time     `json:"ended_at"`
	RingMS         *int64   `json:"ring_ms"`
	WaitMS         *int64   `json:"wait_ms"`
	TalkMS         int64    `json:"talk_ms"`
	AttendantMS    int64    `json:"attendant_ms"`
	Transfers      int      `json:"transfers"`
	Recordings     []string `json:"recordings"` // recording ids, sorted
	Partial        bool     `json:"partial"`    // its end was not announced
	StartInexact   bool     `json:"start_inexact"`
	EndInexact     bool     `json:"end_inexact"`
	TalkInexact    bool     `json:"talk_inexact"`
}

// Answered is the outcome of a call that a person answered.
const Answered = "answered"

// Compare orders calls: by their start, then integration and id, which are unique.
func (c Call) Compare(o Call) int {
	return cmp.Or(c.StartedAt.Compare(o.StartedAt.Time), cmp.Compare(c.Integration, o.Integration), cmp.Compare(c.CallID, o.CallID))
}

// Check says why a line is no call.
func (c Call) Check() error {
	if c.Integration == "" || c.CallID == 0 || c.StartedAt.IsZero() || c.Recordings == nil {
		return errors.New("a call without integration, id, start or list of recordings")
	}
	return nil
}

// Leg is a line of legs.jsonl: one part of a call.
type Leg struct {
	Integration   string `json:"integration"`
	CallID        uint64 `json:"call_id,string"`
	LegID         uint64 `json:"leg_id,string"`
	PlatformLegID string `json:"platform_leg_id"`
	Kind          string `json:"kind"`
	AccountID     string `json:"account_id"`
	Type          string `json:"type"`
	StartedAt     Time   `json:"leg_started_at"`
	AnsweredAt    Time   `json:"leg_answered_at"`
	EndedAt       Time   `json:"leg_ended_at"`
	RingMS        *int64 `json:"ring_ms"`
	TalkMS        int64  `json:"talk_ms"`
	Answered      bool   `json:"answered"`
	Finished      bool   `json:"finished"`
	TalkInexact   bool   `json:"talk_inexact"`
	Reason        string `json:"reason"`
	ReasonCode    string `json:"reason_code"`
}

// Compare orders legs by integration, call and id, which are unique.
func (l Leg) Compare(o Leg) int {
	return cmp.Or(cmp.Compare(l.Integration, o.Integration), cmp.Compare(l.CallID, o.CallID), cmp.Compare(l.LegID, o.LegID))
}

// Check says why a line is no leg.
func (l Leg) Check() error {
	if l.Integration == "" || l.CallID == 0 || l.LegID == 0 {
		return errors.New("a leg without integration, call or id")
	}
	return nil
}

// Event is a line of events.jsonl: a notification of the operator's, as it came. It
// belongs to the calls of its group.
type Event struct {
	Integration string `json:"integration"`
	GroupID     uint64 `json:"group_id,string"`
	EventID     uint64 `json:"event_id,string"`
	ReceivedAt  Time   `json:"received_at"`
	Kind        string `json:"kind"`
	State       string `json:"state"`
	Body        string `json:"body"`                  // empty where it is not UTF-8
	BodyBase64  []byte `json:"body_base64,omitempty"` // then this
}

// Compare orders events by integration, group and id, which are unique.
func (e Event) Compare(o Event) int {
	return cmp.Or(cmp.Compare(e.Integration, o.Integration), cmp.Compare(e.GroupID, o.GroupID), cmp.Compare(e.EventID, o.EventID))
}

// Check says why a line is no event.
func (e Event) Check() error {
	if e.Integration == "" || e.EventID == 0 || e.ReceivedAt.IsZero() || e.Body != "" && e.BodyBase64 != nil {
		return errors.New("an event without integration, id or time, or with two bodies")
	}
	return nil
}

// SetBody puts a body in as it came.
func (e *Event) SetBody(body []byte) {
	e.Body, e.BodyBase64 = "", nil
	if utf8.Valid(body) {
		e.Body = string(body)
		return
	}
	e.BodyBase64 = body
}

// Line is a value as a line of JSON, with its line break.
func Line(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(b, '\n'), err
}
