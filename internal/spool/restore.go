package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// stored is the state of a store.
type stored struct {
	cursors  map[string]uint64
	trimmed  uint64    // records up to here are gone
	newest   uint64    // the newest record, or trimmed if there is none
	origin   uint64    // Record.Origin
	newestAt time.Time // its receive time, or that of a later one that was trimmed: the next one's is not before it
}

// readStored reads the state; damaged data are an error.
func readStored(db *pebble.DB) (st stored, err error) {
	if st.cursors, err = readCursors(db); err != nil {
		return st, fmt.Errorf("read cursors: %w", err)
	}
	if err := st.readTrimmed(db); err != nil {
		return st, fmt.Errorf("read mark of the last trim: %w", err)
	}
	if st.origin, err = readOrigin(db); err != nil {
		return st, fmt.Errorf("read the spool's number: %w", err)
	}
	st.newest = st.trimmed
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: recordKey(st.trimmed + 1), UpperBound: []byte{recordPrefix + 1}})
	if err != nil {
		return st, fmt.Errorf("read newest record: %w", err)
	}
	if it.Last() {
		if n, ok := seqOf(it.Key()); ok {
			st.newest = n
		}
	}
	if err := it.Close(); err != nil {
		return st, fmt.Errorf("read newest record: %w", err)
	}
	return st, nil
}

func (st *stored) readTrimmed(db *pebble.DB) error {
	value, closer, err := db.Get(trimKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	if len(value) != 16 {
		return damagef("%d bytes", len(value))
	}
	st.trimmed = binary.BigEndian.Uint64(value)
	st.newestAt = time.Unix(0, int64(binary.BigEndian.Uint64(value[8:]))).UTC()
	return nil
}

func readOrigin(db *pebble.DB) (uint64, error) {
	value, closer, err := db.Get(originKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	if len(value) != 8 {
		return 0, damagef("%d bytes", len(value))
	}
	return binary.BigEndian.Uint64(value), nil
}

func trimMark(trimmed uint64, at time.Time) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, trimmed), uint64(at.UnixNano()))
}

func readCursors(db *pebble.DB) (map[string]uint64, error) {
	cursors := map[string]uint64{}
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{cursorPrefix}, UpperBound: []byte{cursorPrefix + 1}})
	if err != nil {
		return nil, err
	}
	for ok := it.First(); ok; ok = it.Next() {
		if value := it.Value(); len(value) == 8 {
			cursors[string(it.Key()[1:])] = binary.BigEndian.Uint64(value)
		}
	}
	return cursors, it.Close()
}

// restore restores the state that the last process left. In a new spool receive times begin
// with the newest one of the spools that were put aside.
func (s *Spool) restore() error {
	st, err := readStored(s.db)
	if err != nil {
		return err
	}
	s.origin = st.origin
	s.cursors, s.trimmed, s.synced, s.syncedAt = st.cursors, st.trimmed, st.newest, st.newestAt
	for _, name := range s.opts.Cursors {
		if _, known := s.cursors[name]; !known {
			s.cursors[name] = 0
			s.dirty[name] = struct{}{}
		}
	}
	if s.synced > s.trimmed {
		if at := s.receivedAt(s.synced, s.trimmed+1); at.After(s.syncedAt) {
			s.syncedAt = at
		}
	}
	if s.synced > 0 || !s.syncedAt.IsZero() {
		return nil
	}
	if others, err := asideFolders(s.opts.FS, s.opts.Dir); err == nil && len(others) == 0 {
		return nil
	}
	return s.beginAfter(newestAside(s.opts.FS, s.opts.Dir, s.opts.Log))
}

// beginAfter makes receive times begin with at, if that is known,
// and gives the spool an Origin of its own.
func (s *Spool) beginAfter(at time.Time) error {
	if at.IsZero() && s.origin != 0 {
		return nil
	}
	if s.syncedAt = at; s.origin == 0 {
		s.origin = rand.Uint64()
	}
	err := s.guard("begin", func() error {
		b := s.db.NewBatch()
		err := b.Set(originKey, binary.BigEndian.AppendUint64(nil, s.origin), nil)
		if !at.IsZero() {
			err = errors.Join(err, b.Set(trimKey, trimMark(0, at), nil))
		}
		return errors.Join(err, b.Commit(pebble.Sync))
	})
	if err != nil {
		return fmt.Errorf("keep the newest receive time of the spool that was put aside: %w", err)
	}
	return nil
}
