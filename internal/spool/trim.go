package spool

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Trim removes the records that every registered cursor has passed and that were
// received longer than Retain ago. Without any cursor nothing is removed. The
// space is freed in the background, mostly by dropping whole tables.
func (s *Spool) Trim(ctx context.Context) error {
	young, err := s.firstAt(s.opts.Now().Add(-s.opts.Retain))
	if err != nil {
		return fmt.Errorf("trim spool: %w", err)
	}
	s.mu.Lock()
	limit := young - 1
	for _, pos := range s.cursors {
		limit = min(limit, pos)
	}
	nothing := len(s.cursors) == 0 || limit <= s.trimmed
	s.mu.Unlock()
	if nothing {
		return nil
	}
	if err := s.submit(ctx, nil, func(b *pebble.Batch) error { return s.trimTo(b, limit) }); err != nil {
		return fmt.Errorf("trim spool up to %d: %w", limit, err)
	}
	return nil
}

// trimTo runs in the committer. The mark of the last trim is moved before the records are
// removed, so that no reader finds a gap; it has the receive time too, for a spool
// that is empty when it is opened. Records before a cursor that was rewound since the limit
// was computed are kept.
func (s *Spool) trimTo(b *pebble.Batch, limit uint64) error {
	s.mu.Lock()
	for _, pos := range s.cursors {
		limit = min(limit, pos)
	}
	if limit <= s.trimmed {
		s.mu.Unlock()
		return nil
	}
	removed := limit - s.trimmed
	s.trimmed = limit
	at := s.syncedAt
	s.mu.Unlock()
	if err := b.Set(trimKey, trimMark(limit, at), nil); err != nil {
		return err
	}
	s.metrics.trimmed.Add(float64(removed))
	return b.DeleteRange(recordKey(0), recordKey(limit+1), nil)
}

// Delete erases the contents of one record; its number and receive time stay as
// a stub, which Read returns with ErrErased, so that consumers skip it. When
// Delete returns nil, the contents do not come back after a loss of power, and
// are not in the store's tables any more; see the package comment for its log. Erasing
// a record that is erased or trimmed already is no error.
func (s *Spool) Delete(ctx context.Context, seq uint64) error {
	if err := s.erase(ctx, seq); err != nil {
		return fmt.Errorf("delete record %d from spool: %w", seq, err)
	}
	return nil
}

func (s *Spool) erase(ctx context.Context, seq uint64) error {
	release, err := s.acquire()
	if err != nil {
		return err
	}
	defer release()
	first, last := s.bounds(0)
	if seq > last || seq == 0 {
		return ErrUnknownSeq
	}
	if seq < first {
		return nil
	}
	at := s.receivedAt(seq, first)
	err = s.submit(ctx, nil, func(b *pebble.Batch) error {
		if first, _ := s.bounds(0); seq < first {
			return nil
		}
		return b.Set(recordKey(seq), appendHead(nil, formErased, at), nil)
	})
	if err != nil {
		return err
	}
	return s.rewrite(ctx, seq)
}

// rewrite compacts the tables, so that they have the erased record's stub and not its
// contents.
func (s *Spool) rewrite(ctx context.Context, seq uint64) error {
	var flushed <-chan struct{}
	err := s.guard("flush", func() (err error) {
		flushed, err = s.db.AsyncFlush()
		return err
	})
	if err != nil {
		return err
	}
	select {
	case <-flushed:
	case <-s.failed:
		return s.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.db.Compact(ctx, recordKey(seq), recordKey(seq+1), false); err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	return nil
}
