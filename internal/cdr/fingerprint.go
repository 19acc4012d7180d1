package cdr

import (
	"cmp"
	"math"
	"slices"
)

// Fingerprint stands for all that is stored of one call: its rows, whatever
// their starts, its legs, and its places in the lists of clients. It is how
// millions of calls are compared with what their notifications say, without
// sending them: rows lie by time, notifications by call, and neither can be read
// in the other's order. The server hashes each row of a part of all calls; the
// same hash of a derived record is made by Archive.FingerprintOf.
type Fingerprint struct {
	CallID  uint64
	Rows    uint64 // the sum over its rows of calls and legs
	Clients uint64 // the sum over its rows of calls_by_client
	First   bool   // it has a row of calls, and is the first under its Call-ID
}

// Range is a part of an integration's calls: those whose group id lies between
// From and To, both included. Group ids are hashes, so that equal parts hold
// about as many calls.
type Range struct {
	Integration string
	From, To    uint64
}

// split finds the fingerprint with a call id among those sorted by it; the zero
// one if there is none. before and after are the others.
func split(sorted []Fingerprint, callID uint64) (before []Fingerprint, with Fingerprint, after []Fingerprint) {
	at, ok := slices.BinarySearchFunc(sorted, callID, func(f Fingerprint, id uint64) int { return cmp.Compare(f.CallID, id) })
	if !ok {
		return sorted[:at], Fingerprint{}, sorted[at:]
	}
	return sorted[:at], sorted[at], sorted[at+1:]
}

// within is the part of sorted fingerprints with ids in the range.
func within(sorted []Fingerprint, in Range) []Fingerprint {
	before, _, _ := split(sorted, in.From)
	sorted = sorted[len(before):]
	if in.To == math.MaxUint64 {
		return sorted
	}
	inside, _, _ := split(sorted, in.To+1)
	return inside
}
