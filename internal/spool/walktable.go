package spool

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// table is one of the store's tables, opened by itself.
type table struct {
	file   *tableFile
	reader *sstable.Reader
	iter   sstable.Iterator
}

// openTable opens a table. Its damaged blocks are found when they are read; without
// its footer, index or properties nothing of it can be read.
func openTable(fs vfs.FS, path string) (t *table, err error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	plain, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	t = &table{file: &tableFile{Readable: plain, damaged: map[int64]error{}}}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	var o pebble.Options
	o.EnsureDefaults()
	t.reader, err = sstable.NewReader(context.Background(), t.file, o.MakeReaderOptions())
	if err != nil {
		return nil, err
	}
	t.iter, err = t.reader.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	return t, err
}

func (t *table) close() error { return errors.Join(t.iter.Close(), t.reader.Close()) }

// tableFile remembers which reads returned damaged blocks, and does not repeat them:
// for each of them pebble searches for a flipped bit, which takes between some milliseconds
// and some hundred.
type tableFile struct {
	objstorage.Readable
	damaged map[int64]error // by offset
	last    int64           // offset of the last read
	refused bool            // it was a repetition
}

func (f *tableFile) ReadAt(ctx context.Context, p []byte, at int64) error {
	f.last = at
	if err, damaged := f.damaged[at]; damaged {
		f.refused = true
		return err
	}
	f.refused = false
	return f.Readable.ReadAt(ctx, p, at)
}

func (f *tableFile) NewReadHandle(objstorage.ReadBeforeSize) objstorage.ReadHandle {
	h := objstorage.MakeNoopReadHandle(f)
	return &h
}

// walk calls each with the readable entries of the table, in order of their
// keys, and continues after damaged blocks, which are then in t.file.damaged.
func (t *table) walk(ctx context.Context, each func(logEntry) error) error {
	last := uint64(0) // record number to continue from after damage
	kv := t.iter.First()
	for {
		for ; kv != nil; kv = t.iter.Next() {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if n, ok := seqOf(kv.K.UserKey); ok {
				last = n
			}
			value, _, err := kv.Value(nil)
			if err != nil {
				t.file.damaged[t.file.last] = err
				continue
			}
			if err := each(logEntry{kind: kv.Kind(), seq: uint64(kv.SeqNum()), key: kv.K.UserKey, value: value}); err != nil {
				return err
			}
		}
		if t.iter.Error() == nil {
			return nil
		}
		next, ok := t.behindDamage(last)
		if !ok {
			return nil
		}
		kv, last = t.iter.SeekGE(recordKey(next), 0), next
	}
}

// behindDamage finds, by the index alone, the smallest record number that is not in the
// block which has just failed. It returns false where that block is the last one.
func (t *table) behindDamage(from uint64) (next uint64, ok bool) {
	bad := t.file.last
	t.file.damaged[bad] = t.iter.Error()
	inside := func(n uint64) bool {
		_ = t.iter.SeekGE(recordKey(n), 0)
		if err := t.iter.Error(); err != nil && !t.file.refused {
			t.file.damaged[t.file.last] = err
		}
		return t.iter.Error() != nil && t.file.last == bad
	}
	if inside(math.MaxUint64) {
		return 0, false
	}
	low, high := from, from+1
	for step := uint64(1); inside(high); step *= 2 {
		low = high
		if high = from + 2*step; high < low {
			high = math.MaxUint64
		}
	}
	for high-low > 1 {
		if mid := low + (high-low)/2; inside(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return high, true
}
