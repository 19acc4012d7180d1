package spool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"

	"fonoteka/internal/bounded"
)

// ErrNoSpool says that a folder has no files of a spool.
var ErrNoSpool = errors.New("there is no spool in this folder")

// Salvage reads what can be read of a spool's folder, however damaged, or of a
// copy of one, and changes nothing in it. It does not open the store: it reads
// the tables and the logs one by one, whose blocks have checksums, and
// continues after damaged ones. So it also finds records that the store has removed and
// not yet overwritten; see Survey for what is left out.
type Salvage struct {
	fs     vfs.FS
	dir    string
	tables []string
	logs   []string
}

// OpenSalvage lists the files of a folder; fs is nil for the disk.
func OpenSalvage(fs vfs.FS, dir string) (*Salvage, error) {
	if fs == nil {
		fs = vfs.Default
	}
	names, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("look for a spool in %s: %w", dir, err)
	}
	s := &Salvage{fs: fs, dir: dir}
	slices.Sort(names)
	for _, name := range names {
		if _, _, isLog := wal.ParseLogFilename(name); isLog {
			s.logs = append(s.logs, name)
		} else if _, isTable := tableNumber(name); isTable {
			s.tables = append(s.tables, name)
		}
	}
	if _, noted := readMark(fs, dir); len(s.tables)+len(s.logs) == 0 && !noted {
		return nil, fmt.Errorf("look for a spool in %s: %w", dir, ErrNoSpool)
	}
	return s, nil
}

// Fault is a part of a folder that cannot be read.
type Fault struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"` // approximately
	Why   string `json:"why"`
}

// walk calls each for every entry that can be read, tables first, and fault for every part
// that cannot. An entry may occur more than once. Its error is that of each or ctx, or a
// temporary one of the file system: missing permissions, too many open files. Then nothing
// may be counted as lost. An I/O error does not count as temporary.
func (s *Salvage) walk(ctx context.Context, each func(logEntry) error, fault func(Fault)) error {
	fs := &faultFS{FS: s.fs}
	watched := &Salvage{fs: fs, dir: s.dir}
	for _, name := range slices.Concat(s.tables, s.logs) {
		walk := watched.walkLog
		if _, isTable := tableNumber(name); isTable {
			walk = watched.walkTable
		}
		if err := walk(ctx, name, each, fault); err != nil {
			return err
		}
		if err := fs.fault(); err != nil && !errors.Is(err, syscall.EIO) {
			return fmt.Errorf("%s cannot be read now: %w", name, err)
		}
	}
	return nil
}

func (s *Salvage) walkTable(ctx context.Context, name string, each func(logEntry) error, fault func(Fault)) error {
	path := s.fs.PathJoin(s.dir, name)
	t, err := openTable(s.fs, path)
	if err != nil {
		size := int64(0)
		if info, err := s.fs.Stat(path); err == nil {
			size = info.Size()
		}
		fault(Fault{File: name, Bytes: size, Why: "nothing of this table can be read: " + err.Error()})
		return nil
	}
	err = t.walk(ctx, each)
	for _, at := range slices.Sorted(maps.Keys(t.file.damaged)) {
		fault(Fault{File: name, Bytes: tableBlock, Why: fmt.Sprintf("the block at %d: %v", at, t.file.damaged[at])})
	}
	_ = t.close() // only read
	return err
}

func (s *Salvage) walkLog(ctx context.Context, name string, each func(logEntry) error, fault func(Fault)) error {
	data, err := readFile(s.fs, s.fs.PathJoin(s.dir, name))
	if err != nil {
		fault(Fault{File: name, Why: fmt.Sprintf("behind its first %d bytes: %v", len(data), err)})
	}
	num, _, _ := wal.ParseLogFilename(name)
	w, err := walkLog(data, uint32(num), func(batch []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return walkBatch(batch, each)
	})
	for _, d := range w.damage {
		fault(Fault{File: name, Bytes: d.bytes, Why: fmt.Sprintf("damaged at %d", d.offset)})
	}
	if w.tail > 0 {
		fault(Fault{File: name, Bytes: w.tail, Why: "its end is damaged, or was never written as a whole"})
	}
	return err
}

// maxWhole is how many bytes of a file are read into memory at most. A log has about 10 MiB,
// the other files some kilobytes; a longer file was not written by us.
const maxWhole = 64 << 20

// readFile returns what could be read, even if it returns an error.
func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := bounded.Read(f, maxWhole)
	return data, errors.Join(err, f.Close())
}

// Records calls each with the readable records from a number on, each record once, in
// batches of at most 2,000 records and about 4 MiB, mostly in order. It
// leaves erased ones out. v is the Survey of the same folder.
func (s *Salvage) Records(ctx context.Context, v Survey, from uint64, each func([]Record) error) error {
	given, size := numbers{}, 0
	var batch []Record
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := each(batch)
		batch, size = nil, 0
		return err
	}
	take := func(e logEntry) error {
		n, ok := seqOf(e.key)
		if !ok || e.kind != pebble.InternalKeyKindSet || n < from || !v.there.has(n) {
			return nil
		}
		rec := decode(n, e.value)
		if rec.Err != nil || !given.add(n) {
			return nil
		}
		batch, size = append(batch, rec), size+len(rec.Body)
		if len(batch) < 2000 && size < 4<<20 {
			return nil
		}
		return flush()
	}
	err := s.walk(ctx, take, func(Fault) {})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("read what is left in %s: %w", s.dir, err)
	}
	return nil
}

// newestTime is the newest receive time that can be read, found without reading
// everything: the newest files are read first, and of each table only its end. After an
// error of ctx the result is incomplete.
func (s *Salvage) newestTime(ctx context.Context) (time.Time, error) {
	v := newSurveyor()
	if m, ok := readMark(s.fs, s.dir); ok {
		v.saw(m.at)
	}
	for _, name := range slices.Backward(s.logs) {
		if err := s.walkLog(ctx, name, v.take, func(Fault) {}); err != nil {
			return v.Newest, err
		}
	}
	for _, name := range slices.Backward(s.tables) {
		if err := s.endOfTable(ctx, name, v.take); err != nil {
			return v.Newest, err
		}
	}
	return v.Newest, nil
}

// endOfTable calls each with the last entry of a table, or with all of them if its end
// cannot be read.
func (s *Salvage) endOfTable(ctx context.Context, name string, each func(logEntry) error) error {
	t, err := openTable(s.fs, s.fs.PathJoin(s.dir, name))
	if err != nil {
		return nil // a fault of the survey
	}
	defer t.close() // only read
	if kv := t.iter.Last(); kv != nil {
		value, _, err := kv.Value(nil)
		if err != nil {
			return nil
		}
		return each(logEntry{kind: pebble.InternalKeyKindSet, key: kv.K.UserKey, value: value})
	}
	return t.walk(ctx, each)
}

// tableNumber is the number in the name of a table.
func tableNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, ".sst")
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, ok && err == nil
}
