package spool

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// maxBatchBytes limits a batch: a larger one would only delay its first member.
const maxBatchBytes = 2 << 20

// request is a write of one caller. done receives exactly one value when
// it has been done or refused, unless the request was cancelled.
type request struct {
	rec  *Record                   // a record to append, or
	edit func(*pebble.Batch) error // another synced write
	err  error
	done chan struct{}
}

// Append adds a record and sets its Seq and ReceivedAt. When it returns nil, the
// record survives a loss of power. The error is ErrFull, ErrClosed, matches
// ErrFailed, or is ctx's; then the record is not in the spool, except that after
// a failed sync this is not known.
//
// The end of ctx ends the wait for a batch, but not the sync of the batch: Append does not
// return while the body is in use.
func (s *Spool) Append(ctx context.Context, rec Record) (uint64, error) {
	if err := s.submit(ctx, &rec, nil); err != nil {
		return 0, fmt.Errorf("append to spool: %w", err)
	}
	return rec.Seq, nil
}

// submit queues a write and waits for its outcome.
func (s *Spool) submit(ctx context.Context, rec *Record, edit func(*pebble.Batch) error) error {
	req := s.requests.Get().(*request)
	req.rec, req.edit, req.err = rec, edit, nil
	if err := s.enqueue(req); err != nil {
		return err
	}
	select {
	case <-req.done:
	case <-ctx.Done():
		if s.cancel(req) {
			return context.Cause(ctx)
		}
		<-req.done
	}
	err := req.err
	req.rec, req.edit = nil, nil
	s.requests.Put(req)
	return err
}

func (s *Spool) enqueue(req *request) error {
	if err := s.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return ErrClosed
	}
	s.queue = append(s.queue, req)
	if len(s.queue) == 1 {
		s.wake.Signal()
	}
	return nil
}

// cancel removes a request that the committer has not taken yet.
func (s *Spool) cancel(req *request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.queue, req)
	if i < 0 {
		return false
	}
	s.queue = slices.Delete(s.queue, i, i+1)
	return true
}

// work is what the committer has taken and not written yet.
type work struct {
	reqs    []*request
	cursors map[string]uint64
}

// take waits for something to write and takes all of it. It returns false when
// the spool is closing and nothing is left.
func (s *Spool) take(w *work) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 && len(s.dirty) == 0 && !s.closing {
		s.wake.Wait()
	}
	w.reqs, s.queue = s.queue, w.reqs[:0]
	for name := range s.dirty {
		w.cursors[name] = s.cursors[name]
	}
	clear(s.dirty)
	return len(w.reqs) > 0 || len(w.cursors) > 0
}

// commitLoop is the committer. Between two batches it yields to the goroutines that
// are ready to run: some of them are about to append. That is no delay
// where there are none; with 512 clients on two processors a sync then served 70
// to 190 records instead of 15 to 50.
func (s *Spool) commitLoop() {
	defer close(s.committed)
	w := work{cursors: make(map[string]uint64)}
	for s.take(&w) {
		for rest := w.reqs; len(rest) > 0 || len(w.cursors) > 0; {
			n := batchOf(rest)
			s.commit(rest[:n], w.cursors)
			rest = rest[n:]
			clear(w.cursors)
		}
		clear(w.reqs)
		runtime.Gosched()
	}
}

// batchOf returns how many of the requests go into one batch.
func batchOf(reqs []*request) int {
	size := 0
	for i, req := range reqs {
		if req.rec != nil {
			size += req.rec.encodedLen()
		}
		if size >= maxBatchBytes {
			return i + 1
		}
	}
	return len(reqs)
}

// commit writes and syncs one batch, and only then publishes and answers.
func (s *Spool) commit(reqs []*request, cursors map[string]uint64) {
	batch := s.db.NewBatch()
	seq, at, size := s.synced, s.nextTime(), 0 // only the committer writes synced: no lock needed
	records := 0
	for _, req := range reqs {
		switch {
		case s.Err() != nil:
			req.err = s.Err()
		case req.edit != nil:
			req.err = req.edit(batch)
		case s.space.full():
			req.err = ErrFull
			s.metrics.full.Inc()
		default:
			seq++
			req.rec.Seq, req.rec.ReceivedAt = seq, at
			put(batch, req.rec)
			size += len(req.rec.Body)
			records++
		}
	}
	for name, pos := range cursors {
		_ = batch.Set(cursorKey(name), binary.BigEndian.AppendUint64(nil, pos), nil) // grows a slice, cannot fail
	}
	err := s.apply(batch, len(reqs) > 0)
	if err == nil && records > 0 {
		s.space.used(batch.Len())
		s.writeMark(seq, at)
		s.publish(seq, at)
		s.metrics.committed(records, size)
	}
	_ = batch.Close() // returns memory, cannot fail
	for _, req := range reqs {
		if req.err == nil {
			req.err = err
		}
		req.done <- struct{}{}
	}
}

func put(batch *pebble.Batch, rec *Record) {
	op := batch.SetDeferred(recordKeyLen, rec.encodedLen())
	op.Key[0] = recordPrefix
	binary.BigEndian.PutUint64(op.Key[1:], rec.Seq)
	rec.encode(op.Value)
	_ = op.Finish() // updates an index that the batch does not have
}

// nextTime is the receive time of the next batch: now, but never before that of the last
// one.
func (s *Spool) nextTime() time.Time {
	now := s.opts.Now().UTC()
	behind := s.syncedAt.Sub(now)
	s.metrics.clockBehind.Set(max(behind, 0).Seconds())
	if behind > 0 {
		return s.syncedAt
	}
	return now
}

// apply writes a batch, synced if wanted. Cursors alone are not synced: they
// follow their records in the same log, so that they can never be ahead of
// them, and a lost cursor only means that some work is done twice.
//
// Pebble reports a failed write or sync by its logger's Fatalf, which here
// returns (see storeLog), and some by a panic: both become the spool's failure.
func (s *Spool) apply(batch *pebble.Batch, sync bool) error {
	if err := s.Err(); err != nil {
		return err
	}
	if batch.Empty() {
		return nil
	}
	opt := pebble.NoSync
	if sync {
		opt = pebble.Sync
		defer s.metrics.syncSeconds.since(time.Now())
	}
	return s.guard("commit", func() error { return s.db.Apply(batch, opt) })
}

// guard runs a write to the store. Any error and any panic of it
// becomes the spool's failure.
func (s *Spool) guard(what string, write func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.fail(fmt.Errorf("%s: %v", what, p))
			err = s.Err()
		}
	}()
	if err := write(); err != nil {
		s.fail(fmt.Errorf("%s: %w", what, err))
	}
	return s.Err()
}

// publish makes records up to seq visible.
func (s *Spool) publish(seq uint64, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.synced, s.syncedAt = seq, at
	s.wakeReaders()
}

// wakeReaders makes every Wait check again. mu is held.
func (s *Spool) wakeReaders() {
	if s.waiting {
		close(s.changed)
		s.changed, s.waiting = make(chan struct{}), false
	}
}
