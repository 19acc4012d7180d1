package spool

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

// examination examines a store before it is opened for writing, and writes
// nothing: opening it removes files that its manifest does not name, and where
// the manifest is damaged, those files have the records.
type examination struct {
	fs   *faultFS
	dir  string
	opts *pebble.Options // of the store; a copy is opened, to read only
	lock *pebble.Lock
}

// examine returns nil for a folder that can be opened, or has no store yet;
// tail is how many bytes at the end of its log will be discarded, since they were not
// written completely. An error matches ErrDamagedStore, or makes Open fail.
func examine(fs vfs.FS, dir string, o *pebble.Options, lock *pebble.Lock) (tail int64, err error) {
	e := examination{fs: &faultFS{FS: fs}, dir: dir, opts: o.Clone(), lock: lock}
	e.opts.FS = e.fs
	if tail, err = e.look(); err != nil {
		return 0, classify(err, e.fs.fault())
	}
	return tail, nil
}

func (e examination) look() (tail int64, err error) {
	names, err := e.fs.List(e.dir)
	if err != nil {
		return 0, err
	}
	empty, err := e.checkMarkers(names)
	if err != nil || empty {
		return 0, err
	}
	if err := e.checkOptions(names); err != nil {
		return 0, err
	}
	if err := e.checkStore(names); err != nil {
		return 0, err
	}
	return e.discardedTail()
}

// checkMarkers checks the markers that say which format and which manifest are valid.
// empty says that no store was made here yet, or that its creation was interrupted.
func (e examination) checkMarkers(names []string) (empty bool, err error) {
	format, err := atomicfs.ReadMarker(e.fs, e.dir, "format-version")
	if err != nil {
		return false, damagef("%w", err)
	}
	manifest, err := atomicfs.ReadMarker(e.fs, e.dir, "manifest")
	if err != nil {
		return false, damagef("%w", err)
	}
	if n, err := strconv.ParseUint(format, 10, 64); format != "" && (err != nil || n == 0) {
		return false, damagef("the format is said to be %q", format)
	}
	if manifest != "" {
		return false, nil
	}
	if slices.ContainsFunc(names, isContents) {
		return false, damagef("nothing says which manifest holds")
	}
	if m, ok := readMark(e.fs, e.dir); ok && m.seq > 0 {
		return false, damagef("records up to %d were acknowledged, and there is no store", m.seq)
	}
	return true, nil
}

// isContents says whether a file has records.
func isContents(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".log")
}

// checkOptions reads the file with the options of the last start as pebble will, since
// pebble does not report its damage as corruption. Where there is one, there is a log.
func (e examination) checkOptions(names []string) error {
	newest, name := uint64(0), ""
	for _, n := range names {
		digits, ok := strings.CutPrefix(n, "OPTIONS-")
		num, err := strconv.ParseUint(digits, 10, 64)
		if ok && err == nil && num >= newest {
			newest, name = num, n
		}
	}
	if name == "" {
		return nil
	}
	if !slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".log") }) {
		return damagef("there is no log, which each start makes before %s", name)
	}
	text, err := readFile(e.fs, e.fs.PathJoin(e.dir, name))
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	o := e.opts.Clone()
	o.EnsureDefaults()
	if err := o.CheckCompatibility(e.dir, string(text)); err != nil {
		return damagef("read %s: %w", name, err)
	}
	return nil
}

// checkStore opens the store for reading, and checks that it is complete.
func (e examination) checkStore(names []string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damagef("the store cannot be opened: %v", p)
		}
	}()
	o := e.opts.Clone()
	o.ReadOnly, o.Lock, o.Logger = true, e.lock, readingLog{}
	o.EventListener = &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}} // the default ends the process
	o.DisableConsistencyCheck = true                                                            // checkTables makes this check, and classifies the errors
	db, err := pebble.Open(e.dir, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tables, err := e.checkTables(db)
	if err != nil {
		return err
	}
	st, err := readStored(db)
	if err != nil {
		return err
	}
	return errors.Join(e.checkNumbers(db, st, tables), e.checkNewest(st), e.checkUnlisted(names, tables, st))
}

// checkTables compares the tables with the manifest.
func (e examination) checkTables(db *pebble.DB) (all []pebble.SSTableInfo, err error) {
	levels, err := db.SSTables()
	if err != nil {
		return nil, err
	}
	for _, level := range levels {
		for _, t := range level {
			name := fmt.Sprintf("%06d.sst", uint64(t.BackingSSTNum))
			info, err := e.fs.Stat(e.fs.PathJoin(e.dir, name))
			switch {
			case err != nil:
				return nil, err
			case info.IsDir() || !t.Virtual && uint64(info.Size()) != t.Size:
				return nil, damagef("%s has %d bytes, not %d", name, info.Size(), t.Size)
			}
			all = append(all, t)
		}
	}
	return all, nil
}

// checkNewest compares the newest record with the newest that is known to have been
// acknowledged.
func (e examination) checkNewest(st stored) error {
	if m, ok := readMark(e.fs, e.dir); ok && m.seq > st.newest {
		return damagef("records %d to %d were acknowledged and are missing", st.newest+1, m.seq)
	}
	for name, at := range st.cursors {
		if at > st.newest {
			return damagef("the cursor %s is at %d, and the newest record is %d", name, at, st.newest)
		}
	}
	return nil
}

// checkUnlisted reads tables that the manifest does not name. A crash may leave
// some; they are incomplete, or have only records that are also elsewhere.
func (e examination) checkUnlisted(names []string, listed []pebble.SSTableInfo, st stored) error {
	for _, name := range names {
		num, ok := tableNumber(name)
		if !ok || slices.ContainsFunc(listed, func(t pebble.SSTableInfo) bool { return uint64(t.BackingSSTNum) == num }) {
			continue
		}
		t, err := openTable(e.fs, e.fs.PathJoin(e.dir, name))
		if err != nil {
			continue
		}
		var last uint64
		if kv := t.iter.Last(); kv != nil {
			last, _ = seqOf(kv.K.UserKey)
		}
		_ = t.close() // only read
		if last > st.newest {
			return damagef("the manifest does not name %s, which holds record %d, and the newest record is %d", name, last, st.newest)
		}
	}
	return nil
}

// discardedTail is how many bytes of the newest log pebble will discard as not
// written completely. It takes the first fault for the end of the log where
// the rest is in the same block, even if a record there says that the
// log had been synced beyond the fault.
func (e examination) discardedTail() (int64, error) {
	s, err := OpenSalvage(e.fs, e.dir)
	switch {
	case errors.Is(err, ErrNoSpool):
		return 0, nil
	case err != nil || len(s.logs) == 0:
		return 0, err
	}
	name := s.logs[len(s.logs)-1]
	data, err := readFile(e.fs, e.fs.PathJoin(e.dir, name))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", name, err)
	}
	num, _, _ := wal.ParseLogFilename(name)
	w, err := walkLog(data, uint32(num), func([]byte) error { return nil })
	if w.synced {
		return 0, damagef("%s is damaged at %d, though it had been synced beyond", name, w.damage[0].offset)
	}
	tail := w.tail
	for _, d := range w.damage {
		tail += d.bytes
	}
	return tail, err
}

// readingLog discards pebble's log messages while it reads. A fatal one ends the reading
// instead of the process.
type readingLog struct{}

func (readingLog) Infof(string, ...any)  {}
func (readingLog) Errorf(string, ...any) {}
func (readingLog) Fatalf(format string, args ...any) {
	panic(fmt.Errorf(format, args...))
}
