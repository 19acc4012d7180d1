// Package spool is a durable, append-only log of opaque records with named
// cursors. It is the buffer between the receipt of a notification and everything that may
// be down: when Append returns nil, the record survives a crash of the process
// and a loss of power (not of the disk).
//
// The store is cockroachdb/pebble: its write-ahead log is checksummed and distinguishes
// a torn tail from damage, its file system is replaceable, and power loss can be
// simulated on an in-memory one. A log format of our own was rejected: it
// would be less code, but not proven by years of use. bbolt was rejected for its two
// syncs per commit and its random writes; SQLite for cgo.
//
// One goroutine, the committer, is the only writer. It takes all waiting requests,
// writes them as one batch and syncs once, while the next batch accumulates. There is no
// timer, so that a single client waits for one sync only. Handing every record to
// pebble's own commit pipeline was rejected because the commit order is not known there
// before the commit: sequence numbers and receive times would
// need a second lock around it, and readers could see gaps that are filled later.
// Here sequence numbers have no gaps and are in the order of commit, and a
// record becomes visible to readers only after its sync.
//
// After a failed sync nothing is appended any more: the contents of the disk are
// unknown then, and a sync that succeeds later proves nothing about the earlier one.
// All calls return ErrFailed, Run returns it, and the process should end and
// open the spool again.
//
// Damage. A store is examined before it is opened, without writing: opening it
// removes files that its manifest does not name. It is damaged where
//   - the store reports damage of its manifest, its log, its options, or of what is read
//     at the start: the cursors, the last trim, the newest record;
//   - a required file is missing, is a folder, or has the wrong size;
//   - a marker cannot be read, or names a file that does not exist;
//   - records are missing. They are numbered without gaps, no cursor is beyond the
//     newest, and a mark beside the log says which was acknowledged last.
//
// With Options.PutAside the folder is then renamed to DIR.damaged-TIME, and a new
// spool begins: with number 1, and with receive times not before the newest
// that can be read in the old one. A held lock, missing permissions, an I/O error, a
// full disk, a newer format and every other error that is not known to be damage make
// Open fail, and leave the folder as it is. Damage elsewhere, in a block of a
// table, is found when the block is read: the spool continues, and returns each record that
// it cannot read as ErrDamaged. Both kinds are noted beside the files and reported until a
// person acknowledges them (Damaged). Salvage reads what is left in a folder.
//
// Repairing a store in place was rejected: that writes into the only copy, on a
// disk that cannot be trusted. So was correcting single flipped bits by trial against the
// checksums, which is possible: a guess is no evidence.
//
// Known holes:
//   - Where both the mark and the end of the log are lost, or the whole folder, the loss
//     is not noticed. The mark is not synced, so that this includes data that the disk
//     loses at a loss of power although it had reported them as synced.
//   - Salvage reads nothing of a table whose index or footer is damaged, and of a
//     batch in the log nothing after the damage.
//   - A spool that is a mount point cannot be renamed: Open fails there if it is damaged.
//   - The bytes of a record removed by Delete may stay readable in write-ahead log
//     files that await their reuse, until they are overwritten or the spool is
//     opened again, and in a folder that was put aside until that is removed.
//   - After a clock that was ahead is corrected, receive times stay at the latest one until
//     real time has caught up; the metric clock_behind_seconds shows it.
package spool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

var (
	// ErrFull says that only the reserve of the file system is free. It ends by
	// itself within about a second after space was freed.
	ErrFull = errors.New("spool is full")
	// ErrClosed is returned by every call after Close.
	ErrClosed = errors.New("spool is closed")
	// ErrFailed is returned by every write after the store could not be written
	// or synced. The spool must be opened again, in a new process.
	ErrFailed = errors.New("spool has failed")
	// ErrUnknownSeq says that a sequence number was never acknowledged.
	ErrUnknownSeq = errors.New("no such record in the spool")
)

// Spool is an open spool. Its methods may be called from many goroutines.
type Spool struct {
	opts    Options
	db      *pebble.DB
	lock    *pebble.Lock // on the folder
	mark    vfs.File     // of the newest record; nil where it cannot be written. The committer's
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
	origin    uint64        // Record.Origin
	trimmed   uint64        // records up to here are gone; (trimmed, synced] are all there
	changed   chan struct{} // closed and replaced when synced grows or a cursor is rewound, and someone waits
	waiting   bool          // someone holds changed
	committed chan struct{} // closed when the committer has ended

	opened atomic.Bool // the store is
	stuck  chan error  // why the store cannot be opened; holds one

	damageSeen atomic.Bool    // damaged data was read
	noting     sync.WaitGroup // of the goroutine that notes it beside the files

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
		dirty:     make(map[string]struct{}),
		changed:   make(chan struct{}),
		committed: make(chan struct{}),
		failed:    make(chan struct{}),
		closed:    make(chan struct{}),
		stuck:     make(chan error, 1),
	}
	s.wake = sync.NewCond(&s.mu)
	s.requests.New = func() any { return &request{done: make(chan struct{}, 1)} }
	s.space = space{free: opts.Free, reserve: opts.ReserveBytes, log: opts.Log}
	s.metrics = newMetrics(s)
	if err := openStore(s); err != nil {
		return nil, fmt.Errorf("open spool in %s: %w", opts.Dir, err)
	}
	if err := s.restore(); err != nil {
		return nil, errors.Join(fmt.Errorf("open spool in %s: %w", opts.Dir, err), s.closeStore())
	}
	var err error
	if s.mark, err = openMark(opts.FS, opts.Dir); err != nil {
		return nil, errors.Join(fmt.Errorf("open spool in %s: %w", opts.Dir, err), s.closeStore())
	}
	s.space.check()
	if err := s.metrics.register(opts.Registerer); err != nil {
		return nil, errors.Join(fmt.Errorf("register spool metrics: %w", err), s.closeStore())
	}
	go s.commitLoop()
	return s, nil
}

// Close commits the waiting requests, writes the cursors and closes the store. Later calls
// return ErrClosed. After a failure the store is left as it is, and
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
	s.noting.Wait()
	s.metrics.unregister(s.opts.Registerer)
	if err := s.Err(); err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	s.dbMu.Lock()
	defer s.dbMu.Unlock()
	if err := s.closeStore(); err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	return nil
}

func (s *Spool) closeStore() error {
	err := s.db.Close()
	if s.mark != nil {
		err = errors.Join(err, s.mark.Sync(), s.mark.Close())
	}
	return errors.Join(err, s.lock.Close())
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

// fail marks the spool as failed for ever. It may be called by pebble with its
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
