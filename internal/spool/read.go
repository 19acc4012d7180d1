package spool

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Read returns the records after the given sequence number, in order, at most
// max of them, and no more than fit into maxBytes of bodies, but at least one if
// there is one. A limit of 0 or less is none. It does not wait: at the end it
// returns nothing. The caller may keep what it returns.
//
// A record that cannot be decoded is returned with its Err set. Even the records of
// damaged blocks are returned like that, one by one.
func (s *Spool) Read(ctx context.Context, after uint64, max, maxBytes int) ([]Record, error) {
	release, err := s.acquire()
	if err != nil {
		return nil, fmt.Errorf("read spool: %w", err)
	}
	defer release()
	first, last := s.bounds(after)
	if max > 0 {
		last = min(last, first+uint64(max)-1)
	}
	if first > last {
		return nil, nil
	}
	recs, err := s.scan(ctx, first, last, maxBytes)
	if err != nil && ctx.Err() == nil && pebble.IsCorruptionError(err) {
		recs, err = s.readSingly(ctx, first, last, maxBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("read spool after %d: %w", after, err)
	}
	return recs, nil
}

// bounds returns the first and the last existing record after a sequence number.
func (s *Spool) bounds(after uint64) (first, last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(after, s.trimmed) + 1, s.synced
}

// scan reads a range by one iterator.
func (s *Spool) scan(ctx context.Context, first, last uint64, maxBytes int) (recs []Record, err error) {
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: recordKey(first), UpperBound: recordKey(last + 1)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	size := 0
	for ok := it.First(); ok && ctx.Err() == nil; ok = it.Next() {
		seq, isRecord := seqOf(it.Key())
		if !isRecord {
			continue
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, err
		}
		if size += len(value); maxBytes > 0 && size > maxBytes && len(recs) > 0 {
			break
		}
		recs = append(recs, s.decoded(decode(seq, value)))
	}
	return recs, errors.Join(it.Error(), ctx.Err())
}

// readSingly reads records one by one, to get past damaged blocks. It is slow.
func (s *Spool) readSingly(ctx context.Context, first, last uint64, maxBytes int) ([]Record, error) {
	var recs []Record
	size := 0
	for seq := first; seq <= last && ctx.Err() == nil; seq++ {
		rec := s.get(seq)
		if oldest, _ := s.bounds(0); seq < oldest {
			continue // trimmed meanwhile
		}
		if size += len(rec.Body); maxBytes > 0 && size > maxBytes && len(recs) > 0 {
			break
		}
		recs = append(recs, rec)
	}
	return recs, ctx.Err()
}

// get reads one record by its number, which must exist.
func (s *Spool) get(seq uint64) Record {
	value, closer, err := s.db.Get(recordKey(seq))
	if err != nil {
		return s.decoded(Record{Seq: seq, Err: fmt.Errorf("%w: %w", ErrDamaged, err)})
	}
	rec := decode(seq, value)
	if err := closer.Close(); err != nil && rec.Err == nil {
		rec.Err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return s.decoded(rec)
}

// decoded returns rec, and notes damage if it cannot be read.
func (s *Spool) decoded(rec Record) Record {
	if errors.Is(rec.Err, ErrDamaged) {
		s.noteDamage(rec.Err)
		rec.Origin = s.origin
	}
	return rec
}

// Wait returns nil as soon as there is a record after the given sequence number.
// With the name of a cursor it returns ErrMoved as soon as that cursor is not at
// this number, also if it was moved before the call: so a consumer that has
// finished everything notices a Rewind at once. Without a name it waits for
// records only. Its other errors are ctx's, ErrClosed, or match ErrFailed.
func (s *Spool) Wait(ctx context.Context, cursor string, after uint64) error {
	for {
		s.mu.Lock()
		moved := cursor != "" && s.cursors[cursor] != after
		there, changed := s.synced > max(after, s.trimmed), s.changed
		s.waiting = s.waiting || !there && !moved
		s.mu.Unlock()
		switch {
		case moved:
			return fmt.Errorf("wait after %d: %w", after, ErrMoved)
		case there:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.closed:
			return ErrClosed
		case <-s.failed:
			return s.Err()
		}
	}
}
