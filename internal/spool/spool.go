// Package spool is a durable, append-only log of opaque records with named
// cursors. It stands between "a notification came in" and everything that may
// be down: when Append returns nil, the record survives a crash of the process
// and a loss of power (not of the disk).
//
// The store is cockroachdb/pebble: its write-ahead log is checksummed and tells
// a torn tail from damage, its file system is replaceable, and power loss can be
// played through on an in-memory one. A log of our own files was rejected: it
// would be shorter to write and years younger. bbolt was rejected for its two
// syncs per commit and its random writes; SQLite for cgo.
//
// One goroutine, the committer, is the only writer. It takes whatever waits,
// writes it as one batch and syncs once, while the next batch gathers: no timer,
// so that a single client waits for one sync only. Handing every record to
// pebble's own commit pipeline was rejected because there nobody knows the
// commit order until it has happened: sequence numbers and receive times would
// need a second lock around it, and readers could see gaps that fill later.
// Here numbers follow each other without gaps, in the order of commit, and a
// record becomes visible to readers only after its sync.
//
// After a failed sync nothing is appended any more: what the disk then holds is
// unknown, and a sync that succeeds later proves nothing about the earlier one.
// All calls return ErrFailed, Run returns it, and the process should end and
// open the spool anew.
//
// Known holes. The bytes of a record removed by Delete may stay readable in
// write-ahead log files that await their reuse, until they are overwritten or
// the spool is opened anew. A clock that once ran ahead keeps receive times at
// that moment until real time has caught up; the metric clock_behind_seconds
// shows it.
package spool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

var (
	// ErrFull says that the file system is down to the reserve. It passes by
	// itself within about a second after space was freed.
	ErrFull = errors.New("spool is full")
	// ErrClosed is returned by every call after Close.
	ErrClosed = errors.New("spool is closed")
	// ErrFailed is returned by every write after the store could not be written
	// or synced. Only opening the spool anew, in a new process, helps.
	ErrFailed = errors.New("spool has failed")
	// ErrUnknownSeq says that a sequence number was never acknowledged.
	ErrUnknownSeq = errors.New("no such record in the spool")
)

// Spool is an open spool. Its methods may be called from many goroutines.
type Spool struct {
	opts    Options
	db      *pebble.DB
	metrics *metrics
	space   space

	requests sync.Pool // of *request

	// dbMu keeps db open while it is read; Close takes it for writing. The
	// committer needs none: Close waits for it.
	dbMu sync.RWMutex

	mu        sync.Mutex // guards what follows
	wake      *sync.Cond // the committer's: something is queued, a cursor moved, or closing
	queue     []*request
	cursors   map[string]uint64
	dirty     map[string]struct{} // cursors not yet written
	closing   bool
	synced    uint64        // the newest acknowledged record
	syncedAt  time.Time     // its receive time: the floor of the next one's
	trimmed   uint64        // records up to here are gone; (trimmed, synced] are all there
	changed   chan struct{} // closed and replaced when synced grows or a cursor is rewound, and someone waits
	waiting   bool          // someone holds changed
	committed chan struct{} // closed when the committer has ended

	failOnce sync.Once
	failure  atomic.Pointer[error]
	failed   chan struct{} // closed once failure is set
	closed   chan struct{} // closed when Close begins
}

// Open opens or creates a spool. It fails if another process has it open.
func Open(opts Options) (*Spool, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	s := &Spool{
		opts:      opts,
		cursors:   make(map[string]uint64),
		dirty:     make(map[string]struct{}),
		changed:   make(chan struct{}),
		committed: make(chan struct{}),
		failed:    make(chan struct{}),
		closed:    make(chan struct{}),
	}
	s.wake = sync.NewCond(&s.mu)
	s.requests.New = func() any { return &request{done: make(chan struct{}, 1)} }
	s.space = space{free: opts.Free, reserve: opts.ReserveBytes, log: opts.Log}
	s.metrics = newMetrics(s)
	db, err := openStore(s)
	if err != nil {
		return nil, fmt.Errorf("open spool in %s: %w", opts.Dir, err)
	}
	s.db = db
	if err := s.restore(); err != nil {
		return nil, errors.Join(fmt.Errorf("open spool in %s: %w", opts.Dir, err), db.Close())
	}
	s.space.check()
	if err := s.metrics.register(opts.Registerer); err != nil {
		return nil, errors.Join(fmt.Errorf("register spool metrics: %w", err), db.Close())
	}
	go s.commitLoop()
	return s, nil
}

// Close commits what waits, writes the cursors and closes the store. Calls made
// later return ErrClosed. After a failure the store is left as it is, and
// locked, until the process ends: closing it would write.
func (s *Spool) Close() error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return ErrClosed
	}
	s.closing = true
	close(s.closed)
	s.wake.Signal()
	s.mu.Unlock()
	<-s.committed
	s.metrics.unregister(s.opts.Registerer)
	if err := s.Err(); err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	s.dbMu.Lock()
	defer s.dbMu.Unlock()
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	return nil
}

// Err returns nil, or the failure after which nothing is written any more; it
// matches ErrFailed.
func (s *Spool) Err() error {
	if err := s.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// Failed is closed when the spool has failed; Err then says why.
func (s *Spool) Failed() <-chan struct{} { return s.failed }

// fail makes err the spool's last word. It may be called by pebble with its
// locks held and so takes none of the spool's.
func (s *Spool) fail(err error) {
	s.failOnce.Do(func() {
		err = fmt.Errorf("%w: %w", ErrFailed, err)
		s.failure.Store(&err)
		s.metrics.failed.Set(1)
		close(s.failed)
		s.opts.Log.Error("spool failed, nothing is accepted any more", "err", err)
	})
}

// acquire keeps the store open until release is called.
func (s *Spool) acquire() (release func(), err error) {
	s.dbMu.RLock()
	select {
	case <-s.closed:
		s.dbMu.RUnlock()
		return nil, ErrClosed
	default:
		return s.dbMu.RUnlock, nil
	}
}

// Run trims every TrimEvery until ctx ends, and returns nil; or it returns the
// failure as soon as the spool has failed, so that the process can end.
func (s *Spool) Run(ctx context.Context) error {
	tick := time.NewTicker(s.opts.TrimEvery)
	defer tick.Stop()
	for {
		if err := s.Trim(ctx); err != nil && ctx.Err() == nil {
			s.opts.Log.Error("spool not trimmed", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.failed:
			return s.Err()
		case <-s.closed:
			return nil
		case <-tick.C:
		}
	}
}
