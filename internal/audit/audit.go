// Package audit keeps who did what: placed a call, listened to a recording,
// changed a department.
//
// Contract. When Trail.Log returns nil, the entry is on disk and survives a
// loss of power; so whoever reports an action as done logs it first. It needs
// no other part of the installation: the table audit and the bucket hear of it
// later (Shipper), however long they are away. Entries are only ever added, by
// several processes of one data folder at once.
//
// The entries of one data folder are one chain: each holds the hash of the one
// before it. Once a day the newest hash is put into the bucket, where Object
// Lock can keep it from everybody. Verify recomputes the chain from the file and
// from the table and compares both with the anchors. What it cannot find: an
// entry that was rewritten in the file, in the table and behind every later
// hash, before the day's anchor. A signature was rejected: its key would lie
// beside the file.
//
// One file of JSON lines was chosen before a database, since it can be read,
// compared and kept by whoever audits; x/sys is used for flock alone.
//
// Entries hold no personal data: phone numbers are masked by who logs them, and
// a recording or a call is named by its id.
package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Outcome of an action.
type Outcome string

// Outcomes. What cannot be undone is logged twice: as begun before it is done,
// so that a crash leaves a trace, and with what came of it.
const (
	Begun   Outcome = "begun"
	Done    Outcome = "done"
	Refused Outcome = "refused" // not allowed, or not confirmed
	Failed  Outcome = "failed"
	Unknown Outcome = "unknown" // it may have been done
)

// Entry is what is said of an action. Fields longer than 1,000 bytes are cut.
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
	Writer string    `json:"writer"` // the data folder, by a random name
	Seq    uint64    `json:"seq"`    // from 1, without a gap
	At     time.Time `json:"at"`     // UTC, whole milliseconds; never goes back
	Entry
	PrevHash string `json:"prev"` // Hash of the row before; "" in the first
	Hash     string `json:"hash"` // SHA-256, lower-case hex
}

// sum is what the Hash of a row must be.
func (r Row) sum() string {
	r.Hash, r.At = "", r.At.UTC().Truncate(time.Millisecond)
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings, a number and a time of this century
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
