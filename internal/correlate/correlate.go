// Package correlate correlates calls: it finds calls with different ids that are parts of one
// conversation, and calls that an action of ours caused. The operator does not say so: its
// own transfer and the second leg of makeCall come under call ids of their own.
//
// Find is a pure function of calls and actions. It does not guess: where two calls
// fit, none is linked, because the same client a moment later may also be a redial,
// a second line or a call back. The tag of a leg is not used, as it changes
// within one leg. Pass finds the links of a span of time and writes what has
// changed; talk time is never moved from one call to another.
//
//   - own, certain: the call whose id the operator returned to our makeCall.
//   - own, inferred: an answer that named no call; exactly one call of that
//     workplace with that number begins within Near of the action, and no other
//     action fits it. Also the other leg of a makeCall, below.
//   - click_to_call: the legs of one makeCall under two ids. The second has the
//     workplace and the number of the action, begins within Near of the action,
//     of the first leg's begin or of its answer (the operator rings the
//     workplace for up to a minute before it calls the number), and is the only
//     one.
//   - transfer: the second call begins within Near of our transferCall, at the
//     workplace that it led to with the client of the first, or at the workplace
//     of the first with the number it led to, and is the only one.
//   - forwarded: the second call's forwarderList names a workplace of the first,
//     the client is the same, it begins within Soon of that workplace's begin or
//     end in the first, and both have no other such call.
//
// Names of employees are not used. Whether a terminal belongs to a workplace is asked of a
// Seat, for the time of the call.
package correlate

import (
	"time"

	"fonoteka/internal/call"
)

// How far apart in time the parts of a link may be. The operator's times are whole
// seconds; the end of a call is computed from receive times.
const (
	Near = 10 * time.Second // an action of ours and a call
	Soon = 3 * time.Second  // two calls, where the operator forwarded the first by itself
)

// Kind of an Action, or of a Link.
type Kind string

// Kinds of actions.
const (
	Make     Kind = "make"
	Transfer Kind = "transfer" // of links, too
	DropLeg  Kind = "drop_leg" // never has a link
)

// Kinds of links.
const (
	Own         Kind = "own"
	ClickToCall Kind = "click_to_call"
	Forwarded   Kind = "forwarded"
)

// Confidence in a link.
type Confidence string

const (
	Certain  Confidence = "certain"
	Inferred Confidence = "inferred"
)

// Call is a call as Find needs it.
type Call struct {
	call.Record
	Forwarders []string // all entries of the forwarder lists of its notifications, as received
}

// Action is something we asked the operator to do.
type Action struct {
	Integration    string
	ID             string
	Kind           Kind
	At             time.Time
	AccountID      string // Make: SIP id of the workplace that rings first
	Number         string // whom it calls, as call.Number.Digits: a number or a SIP id
	PlatformCallID string // Make: the Call-ID that the operator returned, if it did; Transfer: the leg's Call-ID
}

// Link joins two calls, or a call and an action: To is zero in a link of kind Own.
type Link struct {
	Integration string
	Kind        Kind
	From, To    Ref
	ActionID    string // "" in Forwarded
	Confidence  Confidence
	Evidence    string // why they belong together, without personal data
}

// Ref names a call.
type Ref struct {
	CallID    uint64
	StartedAt time.Time
}

// Seat returns the SIP id of the workplace that an account belonged to, or the account
// itself where none is known.
type Seat func(integration, account string, at time.Time) string

// Find links calls with each other and with actions. The order of its arguments
// does not matter, and seat may be nil. Links come ordered by integration, begin
// and ids.
func Find(calls []Call, actions []Action, seat Seat) []Link {
	if seat == nil {
		seat = func(_, account string, _ time.Time) string { return account }
	}
	f := newFinder(calls, actions, seat)
	f.made()
	f.secondLegs()
	f.transferred()
	f.forwarded()
	return f.sorted()
}
