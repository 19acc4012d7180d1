package cdr

import (
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// CallVersion orders the rows of one call: the epoch, which rises with an
// erasure and with a rebuild under changed rules, then the number of events the
// record is made of, then the revision, which rises with each ending by
// inference.
func CallVersion(epoch uint16, events uint32, revision uint16) uint64 {
	return uint64(epoch)<<48 | uint64(events)<<16 | uint64(revision)
}

// SplitCallVersion takes a CallVersion apart.
func SplitCallVersion(v uint64) (epoch uint16, events uint32, revision uint16) {
	return uint16(v >> 48), uint32(v >> 16), uint16(v)
}

// Canonical is a record as it will be read back: times in UTC and whole
// milliseconds from 1970 to 2200, durations in whole milliseconds from 0 to 49
// days, what is not known zero, no empty slice. Compare a derived record with a
// stored one only in this form.
func Canonical(r call.Record) call.Record {
	r.StartedAt, r.AnsweredAt, r.EndedAt = canonicalTime(r.StartedAt), canonicalTime(r.AnsweredAt), canonicalTime(r.EndedAt)
	r.Ring, r.Wait, r.Talk = canonicalKnown(r.Ring, r.RingKnown), canonicalKnown(r.Wait, r.WaitKnown), canonical(r.Talk)
	r.Attendant = canonical(r.Attendant)
	r.Transfers, r.Events = int(warehouse.ClampUint16(r.Transfers)), int(warehouse.ClampUint32(r.Events))
	if len(r.Recordings) == 0 {
		r.Recordings = nil
	}
	legs := make([]call.Leg, len(r.Legs))
	for i, l := range r.Legs {
		l.StartedAt, l.AnsweredAt, l.EndedAt = canonicalTime(l.StartedAt), canonicalTime(l.AnsweredAt), canonicalTime(l.EndedAt)
		l.Ring, l.Talk = canonicalKnown(l.Ring, l.RingKnown), canonical(l.Talk)
		l.Events = int(warehouse.ClampUint32(l.Events))
		legs[i] = l
	}
	call.SortLegs(legs)
	r.Legs = legs
	if len(legs) == 0 {
		r.Legs = nil
	}
	return r
}

func canonicalTime(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return warehouse.ClampTime(t)
}

func canonicalKnown(d time.Duration, known bool) time.Duration {
	if !known {
		return 0
	}
	return canonical(d)
}

func canonical(d time.Duration) time.Duration { return warehouse.FromMS(warehouse.ToMS(d)) }
