package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Survey is the contents of a folder, as far as they can be read.
type Survey struct {
	Readable uint64 // records that can be read
	Erased   uint64

	First, Last uint64            // the range of numbers that it may have had; First > Last: none
	LastKnown   bool              // Last is exact, unless the power was lost; else there may have been later records
	Newest      time.Time         // newest receive time that can be read
	Cursors     map[string]uint64 // those that can be read
	Faults      []Fault           // at most maxFaults
	FaultCount  int

	trimmed, done uint64 // all consumers had finished the records up to here
	there, erased numbers
}

const (
	maxFaults  = 100
	tableBlock = 8 << 10
)

// Survey reads all of the folder once.
func (s *Salvage) Survey(ctx context.Context) (Survey, error) {
	v := newSurveyor()
	err := s.walk(ctx, v.take, func(f Fault) {
		if v.FaultCount++; len(v.Faults) < maxFaults {
			v.Faults = append(v.Faults, f)
		}
	})
	if err != nil {
		return Survey{}, fmt.Errorf("survey %s: %w", s.dir, err)
	}
	v.conclude(readMark(s.fs, s.dir))
	return v.Survey, nil
}

// surveyor makes a Survey.
type surveyor struct {
	Survey
	newer           map[string]uint64 // the store's sequence number of what was taken, by key
	lowest, highest uint64            // record numbers seen
}

func newSurveyor() *surveyor {
	return &surveyor{
		Survey: Survey{there: numbers{}, erased: numbers{}, Cursors: map[string]uint64{}},
		newer:  map[string]uint64{}, lowest: math.MaxUint64,
	}
}

func (v *surveyor) take(e logEntry) error {
	if e.kind != pebble.InternalKeyKindSet {
		return nil
	}
	if n, ok := seqOf(e.key); ok {
		v.record(n, e.value)
		return nil
	}
	name := string(e.key)
	if seq, seen := v.newer[name]; seen && seq > e.seq {
		return nil
	}
	v.newer[name] = e.seq
	switch {
	case name == string(trimKey) && len(e.value) == 16:
		v.trimmed = binary.BigEndian.Uint64(e.value)
		v.saw(time.Unix(0, int64(binary.BigEndian.Uint64(e.value[8:]))))
	case strings.HasPrefix(name, string(cursorPrefix)) && len(e.value) == 8:
		v.Cursors[name[1:]] = binary.BigEndian.Uint64(e.value)
	}
	return nil
}

func (v *surveyor) record(n uint64, value []byte) {
	rec := decode(n, value)
	switch {
	case errors.Is(rec.Err, ErrErased):
		v.erased.add(n)
	case rec.Err != nil:
		return
	default:
		v.there.add(n)
	}
	v.lowest, v.highest = min(v.lowest, n), max(v.highest, n)
	v.saw(rec.ReceivedAt)
}

func (v *surveyor) saw(at time.Time) {
	if at.After(v.Newest) {
		v.Newest = at.UTC()
	}
}

// conclude counts. Remains of erased or trimmed records do not count as readable.
func (v *surveyor) conclude(m mark, noted bool) {
	v.Last, v.LastKnown = max(v.highest, v.trimmed), noted
	if noted {
		v.Last, v.done = max(v.Last, m.seq), m.done
		v.saw(m.at)
	}
	for _, at := range v.Cursors {
		v.Last = max(v.Last, at)
	}
	v.First = v.first(noted)
	v.Erased = v.erased.between(v.First-1, v.Last)
	v.there.remove(v.erased)
	v.Readable = v.there.between(v.First-1, v.Last)
}

// first is the number from which on there may have been records: a record that a
// consumer has not finished is never trimmed.
func (v *surveyor) first(noted bool) uint64 {
	if v.trimmed > 0 || !noted && len(v.Cursors) == 0 {
		return v.trimmed + 1
	}
	first := v.lowest
	if noted {
		first = min(first, v.done+1)
	}
	for _, at := range v.Cursors {
		first = min(first, at+1)
	}
	return first
}

// From is the first record that a consumer with this cursor has not finished;
// if the cursor cannot be read, the first that any consumer had not finished.
func (v Survey) From(cursor string) uint64 {
	at, known := v.Cursors[cursor]
	if !known {
		at = v.done
	}
	return max(at+1, v.First)
}

// Owed counts the records that a consumer has not finished: those that can be
// read, and those that cannot. The consumer may have been ahead of its cursor, so that the
// latter is the maximum number of lost records.
func (v Survey) Owed(cursor string) (readable, missing uint64) {
	from := v.From(cursor)
	if from > v.Last {
		return 0, 0
	}
	readable = v.there.between(from-1, v.Last)
	return readable, v.Last - from + 1 - readable - v.erased.between(from-1, v.Last)
}
