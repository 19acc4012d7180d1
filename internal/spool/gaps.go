package spool

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// span is a run of record numbers, both ends included.
type span struct{ first, last uint64 }

// checkNumbers checks that all records from the last trim to the
// newest are there: they are numbered without gaps. The records of a table are known by its
// first and last key; records in no table are still in the log, and are read one by one.
func (e examination) checkNumbers(db *pebble.DB, st stored, tables []pebble.SSTableInfo) error {
	var spans []span
	for _, t := range tables {
		if s, ok := e.spanOf(t); ok {
			spans = append(spans, s)
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	next := st.trimmed + 1
	for _, s := range append(spans, span{st.newest + 1, st.newest + 1}) {
		if s.first > next {
			if err := allThere(db, next, min(s.first-1, st.newest)); err != nil {
				return err
			}
		}
		next = max(next, s.last+1)
	}
	return nil
}

// spanOf is the span of records in a table. The bounds in the manifest may be those of
// a range deletion, which says nothing about the records in the table.
func (e examination) spanOf(t pebble.SSTableInfo) (span, bool) {
	first, ok := seqOf(t.Smallest.UserKey)
	last, ok2 := seqOf(t.Largest.UserKey)
	if ok && ok2 && t.Smallest.Kind() == pebble.InternalKeyKindSet && t.Largest.Kind() == pebble.InternalKeyKindSet {
		return span{first, last}, true
	}
	if t.Largest.UserKey[0] < recordPrefix {
		return span{}, false
	}
	f, err := openTable(e.fs, e.fs.PathJoin(e.dir, fmt.Sprintf("%06d.sst", uint64(t.BackingSSTNum))))
	if err != nil {
		return span{first, last}, ok && ok2 // its records are found to be damaged when they are read
	}
	defer f.close()
	head := f.iter.SeekGE(recordKey(0), 0)
	if head == nil {
		return span{first, last}, f.iter.Error() != nil
	}
	first, ok = seqOf(head.K.UserKey)
	tail := f.iter.Last()
	if tail == nil {
		return span{first, last}, ok
	}
	last, ok2 = seqOf(tail.K.UserKey)
	return span{first, last}, ok && ok2
}

// allThere checks each record of a range.
func allThere(db *pebble.DB, first, last uint64) (err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: recordKey(first), UpperBound: recordKey(last + 1)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	next := first
	for ok := it.First(); ok; ok = it.Next() {
		if n, _ := seqOf(it.Key()); n != next {
			return damagef("records %d to %d are missing", next, n-1)
		}
		next++
	}
	if err := it.Error(); err != nil {
		return err
	}
	if next <= last {
		return damagef("records %d to %d are missing", next, last)
	}
	return nil
}
