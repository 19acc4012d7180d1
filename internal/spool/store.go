package spool

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// openStore opens pebble, tuned for a queue: values of 0.4–64 KiB written in
// order of their keys, read once soon after, and removed by ranges. Memory is
// bounded by about 56 MiB: three memtables, the block cache and the log's blocks.
func openStore(s *Spool) (*pebble.DB, error) {
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
		L0StopWritesThreshold:       1000, // never stop taking notifications in because compaction lags
		LBaseMaxBytes:               256 << 20,
		MaxManifestFileSize:         4 << 20,
		BytesPerSync:                1 << 20,
		FlushDelayDeleteRange:       10 * time.Second,
	}
	o.TargetFileSizes[0] = 16 << 20
	o.Levels[0].BlockSize = 8 << 10 // a damaged one costs pebble a search quadratic in its size
	o.Experimental.SpanPolicyFunc = spanPolicy
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	if s.opts.FS == vfs.Default {
		if err := ownFolder(s.opts.Dir); err != nil {
			return nil, err
		}
	}
	if err := mend(s.opts.FS, s.opts.Dir); err != nil {
		return nil, err
	}
	return pebble.Open(s.opts.Dir, o)
}

// ownFolder makes the folder, or closes it to others: bodies hold phone numbers,
// and pebble would let everybody read them where the process's umask does.
func ownFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(dir, 0o700)
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

// storeLog turns pebble's words into the spool's. Pebble's own Fatalf ends the
// process; here it marks the spool as failed and returns: the committer checks
// that mark after each commit, before it acknowledges anything.
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

// background is told of failed flushes and compactions, which pebble repeats at
// once and for ever. A pause keeps that from eating a processor; once the spool
// has failed, the goroutine ends instead.
func (l storeLog) background(err error) {
	l.s.metrics.background.Inc()
	l.s.opts.Log.Error("store failed in the background", "err", err)
	if l.s.Err() != nil {
		runtime.Goexit()
	}
	time.Sleep(50 * time.Millisecond)
}

func (l storeLog) corruption(info pebble.DataCorruptionInfo) {
	l.s.metrics.damaged.Inc()
	l.s.opts.Log.Error("store has damaged data", "path", info.Path, "err", info.Details)
}
