package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// ErrMoved says that a cursor is not at the number that the caller gave: it was rewound,
// and the caller should read again from where it is now.
var ErrMoved = errors.New("cursor was moved")

// Cursor returns the last record that the named consumer has finished, 0 for a
// new name.
func (s *Spool) Cursor(name string) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return 0, fmt.Errorf("read cursor %s: %w", name, ErrClosed)
	}
	return s.cursors[name], nil
}

// Advance moves a cursor forward, up to the newest acknowledged record, and returns ErrMoved
// if it is not at from any more, so that a consumer
// that is finishing a batch does not undo a Rewind. A new name is
// registered. It is not synced: after a loss of power the cursor may be at an
// earlier position, never at a later one, so that a consumer must be able to do its work
// twice.
func (s *Spool) Advance(name string, from, to uint64) error {
	if err := s.Err(); err != nil {
		return fmt.Errorf("move cursor %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
		return fmt.Errorf("move cursor %s: %w", name, ErrClosed)
	case name == "":
		return errors.New("move cursor: it has no name")
	case to > s.synced:
		return fmt.Errorf("move cursor %s to %d: %w", name, to, ErrUnknownSeq)
	case s.cursors[name] != from:
		return fmt.Errorf("move cursor %s to %d: %w", name, to, ErrMoved)
	}
	s.cursors[name] = to
	s.dirty[name] = struct{}{}
	s.wake.Signal()
	return nil
}

// Rewind moves a cursor back so that the next record read is the first one
// received at or after the given time, and returns that record's number. It
// never moves a cursor forward; if all records are newer, it goes back to the
// oldest one. It is synced. If all records are older, the number
// is one past the newest and the cursor stays. A consumer in Wait is woken.
func (s *Spool) Rewind(ctx context.Context, name string, to time.Time) (first uint64, err error) {
	if first, err = s.firstAt(to); err != nil {
		return 0, fmt.Errorf("rewind cursor %s: %w", name, err)
	}
	s.mu.Lock()
	pos := min(s.cursors[name], first-1)
	s.cursors[name] = pos
	delete(s.dirty, name)
	s.wakeReaders()
	s.mu.Unlock()
	err = s.submit(ctx, nil, func(b *pebble.Batch) error {
		return b.Set(cursorKey(name), binary.BigEndian.AppendUint64(nil, pos), nil)
	})
	if err != nil {
		return 0, fmt.Errorf("rewind cursor %s: %w", name, err)
	}
	return first, nil
}

// firstAt finds the first record received at or after a time by bisection: receive
// times never go back. A damaged record counts as received with the one before.
func (s *Spool) firstAt(at time.Time) (uint64, error) {
	release, err := s.acquire()
	if err != nil {
		return 0, err
	}
	defer release()
	first, last := s.bounds(0)
	if last < first {
		return first, nil
	}
	n := sort.Search(int(last-first+1), func(i int) bool {
		return !s.receivedAt(first+uint64(i), first).Before(at)
	})
	return first + uint64(n), nil
}

// receivedAt is the receive time of a record, or of the nearest readable one
// before it down to first.
func (s *Spool) receivedAt(seq, first uint64) time.Time {
	for ; seq >= first; seq-- {
		value, closer, err := s.db.Get(recordKey(seq))
		if err != nil {
			continue
		}
		_, at, err := decodeHead(value)
		_ = closer.Close() // unpins a block; its error would be the Get's
		if err == nil {
			return at
		}
	}
	return time.Time{}
}
