package relay

import "time"

// Rejected is something that came in and could not be used, kept as it came.
type Rejected struct {
	Integration     string
	ID              uint64 // 0: call.EventID of the body
	ReceivedAt      time.Time
	Reason          string // a word: one value of a small set
	Detail          string // the error's or the server's words
	ContentType     string
	ContentEncoding string
	Body            []byte    // as it came, perhaps cut
	ReplayedAt      time.Time // zero: not yet
}

// RejectedFilter chooses rows; a zero field chooses all.
type RejectedFilter struct {
	Integration string
	Reason      string
	From, To    time.Time // received in [From, To)
	Replayed    bool      // also those that were replayed
	AfterID     uint64    // go on after this ID: rows come in order of ID
	Limit       int       // 0: 1,000
	MaxBytes    int       // of all bodies; rows of one ID come all the same. 0: no bound
}
