// Package audit keeps who did what: placed a call, listened to a recording,
// changed a department.
//
// Contract. When Trail.Log returns nil, the entry is on disk and survives a
// loss of power; so an action is logged before it is reported as done. Log works
// while the table audit and the bucket are away: the Shipper copies entries there
// later, however long that takes. Entries are only ever added, by several
// processes of one data folder at once.
//
// The entries of one data folder are one hash chain: each holds the hash of the one
// before it, and each line of the file is, byte for byte, the encoding of its
// entry in the version that the line names. When a day is over, the hash of its
// newest entry is put into the bucket as the day's anchor, where Object Lock can
// protect it from everybody. The vault remembers which chain is the installation's, its
// newest entry and its newest anchored entry (Memory; the bucket also has the
// name of the chain and the anchored entries), so that it is noticed when the file is
// deleted, emptied, cut off or replaced.
//
// Verify recomputes the chain from the file and from the table, and compares
// both with each other, with the anchors and with the memory. What it
// cannot find: an entry that was rewritten in the file, in the table, in every
// later hash and in the memory before the anchor of its day was put; and anything
// at all, where somebody can change the file, the table, the memory and the
// bucket. A signature was rejected: its key would lie beside the file.
//
// One file of JSON lines was chosen before a database, since it can be read,
// compared and kept by whoever audits.
//
// Entries hold no personal data: of a phone number its kind and length at most, and
// a recording or a call is named by its id.
package audit

import "time"

// Outcome of an action.
type Outcome string

// Outcomes. An action that cannot be undone is logged twice: as begun before it is done,
// so that a crash leaves a trace, and with its outcome.
const (
	Begun   Outcome = "begun"
	Done    Outcome = "done"
	Refused Outcome = "refused" // not allowed, or not confirmed
	Failed  Outcome = "failed"
	Unknown Outcome = "unknown" // it may have been done
)

// Entry describes an action. Fields longer than 1,000 bytes are cut.
type Entry struct {
	Actor       string  `json:"actor"`                 // the system's user, or whom --as names
	Action      string  `json:"action"`                // of the vocabulary noun.verb: call.make
	Integration string  `json:"integration,omitempty"` // "" where it belongs to none
	Target      string  `json:"target,omitempty"`      // what it was done to: an id, a masked number
	Outcome     Outcome `json:"outcome"`
	Detail      string  `json:"detail,omitempty"` // no personal data
}

// Row is an entry in its chain.
type Row struct {
	Version uint8     `json:"v,omitempty"` // of the encoding (see line.go)
	Writer  string    `json:"writer"`      // the chain of one data folder, by a random name
	Seq     uint64    `json:"seq"`         // from 1, without a gap
	At      time.Time `json:"at"`          // UTC, whole milliseconds; never goes back
	Entry
	PrevHash string `json:"prev"` // Hash of the row before; "" in the first
	Hash     string `json:"hash"` // SHA-256, lower-case hex
}
