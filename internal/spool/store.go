package spool

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// openStore makes and locks the folder and opens the store in it; a damaged one is put aside
// first, and a new one opened.
func openStore(s *Spool) error {
	if err := s.lockFolder(); err != nil {
		return err
	}
	o := storeOptions(s)
	tail, err := examine(s.opts.FS, s.opts.Dir, o, s.lock)
	if errors.Is(err, ErrDamagedStore) && s.opts.PutAside {
		err = s.putAside(err)
	}
	if err != nil {
		return errors.Join(err, s.lock.Close())
	}
	if tail > 0 {
		s.metrics.tail.Add(float64(tail))
		s.opts.Log.Warn("the end of the spool's log was not written as a whole and is left out", "bytes", tail)
	}
	o.Lock = s.lock
	if err := s.openPebble(o); err != nil {
		return errors.Join(err, s.lock.Close())
	}
	return nil
}

// lockFolder makes and locks the folder: a store must not be examined while another process
// writes to it.
func (s *Spool) lockFolder() (err error) {
	fs, dir := s.opts.FS, s.opts.Dir
	if fs == vfs.Default {
		err = ownFolder(dir)
	} else {
		err = fs.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return err
	}
	if s.lock, err = pebble.LockDirectory(dir, fs); err != nil {
		return fmt.Errorf("lock it (does another program use it?): %w", err)
	}
	if err := removeDanglingMarkers(fs, dir); err != nil {
		return errors.Join(err, s.lock.Close())
	}
	return nil
}

// openPebble opens the store, and gives up as soon as a write fails: pebble would
// retry it for ever before it returns, and meanwhile no notification is accepted.
// The folder then stays locked until the process ends.
func (s *Spool) openPebble(o *pebble.Options) error {
	opened := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil { // as it does where a folder cannot be synced
				opened <- fmt.Errorf("open the store: %v", p)
			}
		}()
		db, err := pebble.Open(s.opts.Dir, o)
		s.db = db
		opened <- err
	}()
	select {
	case err := <-opened:
		if s.Err() != nil {
			return errors.Join(s.Err(), err)
		}
		s.opened.Store(true)
		return err
	case err := <-s.stuck:
		return fmt.Errorf("open the store: %w", err)
	}
}

// storeOptions tune pebble for a queue: values of 0.4–64 KiB written in order of
// their keys, read once soon after, and removed by ranges. Memory is limited to
// about 56 MiB: three memtables, the block cache and the log's blocks.
func storeOptions(s *Spool) *pebble.Options {
	log := storeLog{s}
	o := &pebble.Options{
		FS:                          s.opts.FS,
		FormatMajorVersion:          pebble.FormatValueSeparation, // has checks of what the log had synced
		Logger:                      log,
		EventListener:               &pebble.EventListener{BackgroundError: log.background, DataCorruption: log.corruption},
		MemTableSize:                8 << 20,
		MemTableStopWritesThreshold: 3,
		CacheSize:                   4 << 20,
		MaxOpenFiles:                256,
		L0CompactionFileThreshold:   64, // tables do not overlap: there is nothing to merge, only to move
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       1000, // never stop accepting notifications because compaction lags
		LBaseMaxBytes:               256 << 20,
		MaxManifestFileSize:         4 << 20,
		BytesPerSync:                1 << 20,
		FlushDelayDeleteRange:       10 * time.Second,
	}
	o.TargetFileSizes[0] = 16 << 20
	o.Levels[0].BlockSize = tableBlock // for a damaged block pebble makes a search quadratic in its size
	o.Experimental.SpanPolicyFunc = spanPolicy
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	return o
}

// ownFolder makes the folder with mode 0700, or changes it: bodies contain phone numbers,
// and pebble's files are readable by everybody if the process's umask allows it.
func ownFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(dir, 0o700) //nolint:gosec // a folder
}

// spanPolicy keeps cursors and records in separate tables. A table with both
// would span all records, and each compaction of a handful of cursors would
// rewrite the whole spool.
func spanPolicy(first []byte) (pebble.SpanPolicy, []byte, error) {
	if len(first) > 0 && first[0] >= recordPrefix {
		return pebble.SpanPolicy{}, nil, nil
	}
	return pebble.SpanPolicy{}, []byte{recordPrefix}, nil
}

// storeLog passes pebble's log messages on. Pebble's own Fatalf ends the
// process; this one marks the spool as failed and returns: the committer checks
// that after each commit, before it acknowledges anything.
type storeLog struct{ s *Spool }

func (l storeLog) Infof(format string, args ...any) {
	l.s.opts.Log.Debug("store says", "text", fmt.Sprintf(format, args...))
}

func (l storeLog) Errorf(format string, args ...any) {
	l.s.opts.Log.Warn("store complains", "err", fmt.Sprintf(format, args...))
}

func (l storeLog) Fatalf(format string, args ...any) {
	l.s.fail(fmt.Errorf(format, args...))
}

// background is called for failed flushes and compactions, which pebble retries
// immediately and for ever. A pause limits their use of the processor; once the spool
// has failed, or cannot be opened because of it, the goroutine ends instead. A compaction
// that fails because of damage does not prevent the store from being opened.
func (l storeLog) background(err error) {
	l.s.metrics.background.Inc()
	l.s.opts.Log.Error("store failed in the background", "err", err.Error()) // not with the stack that pebble's errors carry
	if !l.s.opened.Load() && !pebble.IsCorruptionError(err) {
		select {
		case l.s.stuck <- err:
		default:
		}
		runtime.Goexit()
	}
	if l.s.Err() != nil {
		runtime.Goexit()
	}
	time.Sleep(50 * time.Millisecond)
}

func (l storeLog) corruption(info pebble.DataCorruptionInfo) {
	l.s.opts.Log.Error("store has damaged data", "path", info.Path, "err", info.Details.Error())
	l.s.noteDamage(fmt.Errorf("%s: %w", info.Path, info.Details))
}
