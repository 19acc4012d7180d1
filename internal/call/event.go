// Package call is the domain: a notification as an Event, the CDR as a Record
// with its Legs, a Recording, phone numbers and ids. Derive makes Records from
// a set of Events; it is pure, so the same set gives the same Records in
// whatever order, however often and however late its members came.
//
// The package knows nothing of the platform's spellings (that is mtt) nor of
// where rows are kept (that is warehouse).
package call

import "time"

// Kind says what an Event is about.
type Kind string

const (
	KindCall      Kind = "call"      // a call changed its state, or a recording is ready
	KindDirectory Kind = "directory" // numbers or workplaces changed in the operator's cabinet
	KindUnknown   Kind = "unknown"   // authentic and readable JSON, but of an event or state that is not known; kept, and nothing but links derived from it
)

// State is the state of a leg as the operator names it.
type State string

const (
	Trying    State = "trying"    // the call begins; on a parked number it is held for 5 s
	Showing   State = "showing"   // rings at a workplace
	Connected State = "connected" // a workplace and the other side talk
	Hiding    State = "hiding"    // ended at that workplace, perhaps moved on; says nothing of the call's end
	Finished  State = "finished"  // the leg is over
	Recorded  State = "recorded"  // the mp3 is ready
)

// Direction of a call, seen from the company.
type Direction string

const (
	Incoming         Direction = "incoming"
	Outgoing         Direction = "outgoing"
	Internal         Direction = "internal"
	UnknownDirection Direction = "unknown"
)

// Event is one distinct notification: what could be read of it, and nothing
// that could not. Zero values mean "not said".
type Event struct {
	Integration string
	ID          uint64    // EventID of the body
	ReceivedAt  time.Time // the earliest of its deliveries, UTC

	Kind  Kind
	State State  // as it came, lower-cased; for KindDirectory numbersChanged or workplacesChanged
	Type  string // "incoming", "outgoing", or what came

	PlatformID  string // call.id as it came: the Call-ID of the leg
	Tag         string // not stable between a leg's own events: joins nothing
	TransportID string
	AccountID   string // beside call in "recorded": the account whose talk was recorded
	Caller      Party
	Callee      Party

	StartedAt   time.Time // startTime read in the integration's zone, UTC; zero: absent or out of range
	SaidAt      time.Time // what startTime says, whenever it came: set where StartedAt is another moment or none because of ReceivedAt
	BadTime     bool      // startTime came but could not be read or is outside 2000 … received + 2 days
	Duration    time.Duration
	HasDuration bool // Duration came and could be read; false for null, absent, unreadable and negative
	Reason      string
	ReasonCode  string
	Unanswered  bool     // Reason or ReasonCode says that nobody answered, as far as the operator's spellings are known
	URL         string   // the first link of a recording that it holds, whatever its kind and state
	MoreURLs    []string // the others
}

// Links are those of all recordings that an event announces.
func (e Event) Links() []string {
	if e.URL == "" {
		return nil
	}
	return append([]string{e.URL}, e.MoreURLs...)
}

// Party is one side of a leg, as it came.
type Party struct {
	AccountID   string // a terminal's SIP id, an external number, or "…@pstn" for an outside line
	CentrexID   string // the customer: the side that bears it is ours
	DisplayID   string
	DisplayName string // displayName or display_name
	ID          string
	Extension   string
	Forwarders  []string
}

// GroupID is the warehouse's key of all events under the event's Call-ID, of which
// one call or several are made. It is 0 for events that belong to no call.
func (e Event) GroupID() uint64 {
	if e.PlatformID == "" {
		return 0
	}
	return ID(e.Integration, BaseID(e.PlatformID))
}
