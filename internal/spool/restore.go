package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// restore reads what was left by the last process.
func (s *Spool) restore() error {
	if err := s.restoreCursors(); err != nil {
		return fmt.Errorf("read cursors: %w", err)
	}
	if err := s.restoreTrimmed(); err != nil {
		return fmt.Errorf("read mark of the last trim: %w", err)
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: recordKey(s.trimmed + 1), UpperBound: []byte{recordPrefix + 1}})
	if err != nil {
		return fmt.Errorf("read newest record: %w", err)
	}
	if it.Last() {
		s.synced, _ = seqOf(it.Key())
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("read newest record: %w", err)
	}
	if s.synced > s.trimmed {
		if at := s.receivedAt(s.synced, s.trimmed+1); at.After(s.syncedAt) {
			s.syncedAt = at
		}
	} else {
		s.synced = s.trimmed
	}
	s.clampCursors()
	return nil
}

// clampCursors pulls back cursors that stand beyond the newest record. That
// cannot come from a loss of power; but should a disk have lost what it had
// synced, consumers must not pass over the records that take those numbers next.
func (s *Spool) clampCursors() {
	for name, pos := range s.cursors {
		if pos > s.synced {
			s.opts.Log.Error("cursor was beyond the newest record", "cursor", name, "seq", pos, "newest", s.synced)
			s.cursors[name] = s.synced
			s.dirty[name] = struct{}{}
		}
	}
}

func (s *Spool) restoreTrimmed() error {
	value, closer, err := s.db.Get(trimKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	if len(value) != 16 {
		return fmt.Errorf("%w: %d bytes", ErrDamaged, len(value))
	}
	s.trimmed = binary.BigEndian.Uint64(value)
	s.syncedAt = time.Unix(0, int64(binary.BigEndian.Uint64(value[8:]))).UTC()
	return nil
}

func (s *Spool) restoreCursors() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{cursorPrefix}, UpperBound: []byte{cursorPrefix + 1}})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		if value := it.Value(); len(value) == 8 {
			s.cursors[string(it.Key()[1:])] = binary.BigEndian.Uint64(value)
		}
	}
	for _, name := range s.opts.Cursors {
		if _, known := s.cursors[name]; !known {
			s.cursors[name] = 0
			s.dirty[name] = struct{}{}
		}
	}
	return it.Close()
}
