package cdr

import (
	"fmt"
	"time"

	"fonoteka/internal/call"
)

// Touch says that a call got an event, perhaps one that it had already.
type Touch struct {
	call.GroupKey
	At time.Time // when the server took the insert in; microseconds, UTC
}

// StoredEvent is one distinct notification of a call.
type StoredEvent struct {
	ID         uint64
	ReceivedAt time.Time // the earliest, whole milliseconds, UTC
	Body       []byte
}

// MaxHeld bounds the bodies of notifications that are read to be held together, bytes.
// A thousand calls have some 3 MB of them; a single one that has more is nothing of
// the operator's.
const MaxHeld = 16 << 20

// ErrTooMuch tells that the notifications asked for have more than MaxHeld bytes. Those
// of fewer calls may have less.
var ErrTooMuch = fmt.Errorf("the notifications of these calls have more than %d MiB", MaxHeld>>20)

// StoredCall is a live row of calls with its live legs.
type StoredCall struct {
	Record  call.Record // in its Canonical form
	Version uint64
}

// CallWrite is one row of calls with its legs.
type CallWrite struct {
	Record  call.Record
	Version uint64 // CallVersion; above the stored row's, or the row stays as it is
	Deleted bool   // a tombstone: Record is a full copy of the row that must vanish, its legs included

	// GoneLegs are legs of the stored row under the same start that the record
	// no longer has; they vanish.
	GoneLegs []call.Leg
	// GoneNumbers are client numbers (digits) of the stored row under the same
	// start, where the record has another one now; the call leaves their lists.
	GoneNumbers []string
}
