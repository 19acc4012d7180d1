package call

import "time"

// Outcome of a call.
type Outcome string

const (
	Answered       Outcome = "answered"
	Missed         Outcome = "missed"    // incoming, no person answered, and the caller is not known to have waited less than Rules.AbandonAfter
	Abandoned      Outcome = "abandoned" // incoming, nobody answered, the caller is known to have hung up sooner
	NoAnswer       Outcome = "no_answer" // outgoing, not answered
	UnknownOutcome Outcome = "unknown"
)

// LegKind says what a leg was for.
type LegKind string

const (
	Parking   LegKind = "parking"   // the call was held on an external number: adds wait, never talk
	Workplace LegKind = "workplace" // rang or talked at an account
	Attendant LegKind = "attendant" // the company's own number answered it: an automaton, no person
	Forwarded LegKind = "forwarded" // another outside number answered it: an employee's mobile
)

// Side that hung up, where the operator documents it.
type Side string

const (
	UsHungUp     Side = "us"
	ClientHungUp Side = "client"
	UnknownSide  Side = "unknown"
)

// Record is a call detail record (CDR). Durations are whole milliseconds,
// though the platform's own resolution is a second. Times are UTC; a zero time
// means not known.
type Record struct {
	Integration    string
	CallID         uint64
	GroupID        uint64 // CallID of the first call under the same base id: the key of the call's events
	PlatformCallID string // the operator's id without its leg suffix

	Direction      Direction
	Outcome        Outcome
	ClientNumber   Number
	ExternalNumber Number
	AccountID      string // the account of ours that talked first, else rang first
	Caller, Callee Member // of an internal call
	HungUp         Side

	StartedAt  time.Time
	AnsweredAt time.Time // zero if not answered, or answered by evidence of a duration only
	EndedAt    time.Time // zero while the call goes on, and where it was missed and nobody knows when

	Ring      time.Duration
	Wait      time.Duration // until a person answered, else until the end
	Talk      time.Duration // in which any person of ours talked
	Attendant time.Duration // in which an automaton did
	RingKnown bool          // false: nothing showed or connected, so Ring says nothing
	WaitKnown bool          // false: neither an answer nor an end is known yet, or nothing of its begin

	Recordings []string // RecordingID, sorted
	Legs       []Leg    // sorted by start, then id
	Transfers  int      // accounts that connected under this call, less one; of an internal call, less the two that talk

	Events             int  // distinct notifications this record is made of
	Partial            bool // no end was announced for long enough: ended by inference (EndByInference)
	StartInexact       bool // no notification bore a time: StartedAt is a receive time
	EndInexact         bool // EndedAt, or the Wait of an unanswered call, rests on receive times, or is not known because of them
	TalkInexact        bool // some leg's Talk rests on receive times
	AnsweredByDuration bool // answered is known by a duration only: no "connected" came
	BadTimes           bool // some startTime was unreadable or out of range
}

// GoingOn reports that the call is not known to be over. One that came late, in
// one piece, is over though nobody knows when it ended.
func (r Record) GoingOn() bool { return r.EndedAt.IsZero() && r.Outcome != Missed }

// Leg is one leg of a call: one Call-ID at one account on our side.
type Leg struct {
	ID          uint64
	PlatformID  string // the Call-ID as it came
	Kind        LegKind
	AccountID   string // terminal's SIP id, or the external number of a parking leg
	Type        string // incoming, outgoing, or what came
	StartedAt   time.Time
	AnsweredAt  time.Time
	EndedAt     time.Time
	Ring        time.Duration
	Talk        time.Duration
	RingKnown   bool
	Answered    bool
	TalkInexact bool
	Finished    bool   // its "finished" came
	Caller      Member // of an internal call, likewise Callee
	Callee      Member
	Reason      string
	ReasonCode  string
	Tag         string // of its newest event: with TransportID what call control needs
	TransportID string
	Events      int
}
