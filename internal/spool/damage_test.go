package spool_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"fonoteka/internal/spool"
)

// failingDisk fails chosen operations while on, and counts writes to logs after
// the first failure.
type failingDisk struct {
	fails      func(errorfs.Op) bool
	on         atomic.Bool
	failed     atomic.Bool
	laterBytes atomic.Int64
}

func (d *failingDisk) MaybeError(op errorfs.Op) error {
	if d.failed.Load() && op.Kind == errorfs.OpFileWrite && strings.HasSuffix(op.Path, ".log") {
		d.laterBytes.Add(1)
	}
	if d.on.Load() && d.fails(op) {
		d.failed.Store(true)
		return errorfs.ErrInjected
	}
	return nil
}

func (d *failingDisk) String() string { return "failing disk" }

func isLogSync(op errorfs.Op) bool {
	sync := op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
	return sync && strings.HasSuffix(op.Path, ".log")
}

func isLogWrite(op errorfs.Op) bool {
	return op.Kind == errorfs.OpFileWrite && strings.HasSuffix(op.Path, ".log")
}

// After a failed sync or write nothing is acknowledged, nothing is appended, and
// what was acknowledged before is there after a restart.
func TestFailedSyncEndsTheSpool(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]func(errorfs.Op) bool{"sync": isLogSync, "write": isLogWrite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := &failingDisk{fails: fails}
			fs := vfs.NewCrashableMem()
			s := open(t, spool.Options{FS: errorfs.Wrap(fs, disk)})
			ran := make(chan error, 1)
			go func() { ran <- s.Run(t.Context()) }()
			for range 10 {
				mustAppend(t, s, "good")
			}
			disk.on.Store(true)
			var wg sync.WaitGroup
			for range 32 {
				wg.Go(func() {
					for range 3 {
						if _, err := s.Append(t.Context(), spool.Record{Body: []byte("bad")}); !errors.Is(err, spool.ErrFailed) || !errors.Is(err, s.Err()) {
							t.Errorf("acknowledged without a sync: %v", err)
						}
					}
				})
			}
			wg.Wait()
			disk.on.Store(false)
			if _, err := s.Append(t.Context(), spool.Record{}); !errors.Is(err, spool.ErrFailed) {
				t.Errorf("append after the disk has healed: %v", err)
			}
			if err := s.SetCursor("c", 1); !errors.Is(err, spool.ErrFailed) {
				t.Errorf("cursor: %v", err)
			}
			if err := <-ran; !errors.Is(err, spool.ErrFailed) {
				t.Errorf("Run returned %v", err)
			}
			if err := s.Close(); !errors.Is(err, spool.ErrFailed) {
				t.Errorf("close: %v", err)
			}
			if n := disk.laterBytes.Load(); n != 0 {
				t.Errorf("%d writes to a log after the failure", n)
			}
			after := open(t, spool.Options{FS: fs.CrashClone(vfs.CrashCloneCfg{})})
			if recs := readAll(t, after); len(recs) != 10 || string(recs[9].Body) != "good" {
				t.Errorf("%d records after the restart, want the 10 acknowledged", len(recs))
			}
		})
	}
}

// A manifest that cannot be written fails in pebble's background; nothing that
// was acknowledged may be lost by what pebble does next.
func TestFailedManifestEndsTheSpool(t *testing.T) {
	t.Parallel()
	disk := &failingDisk{fails: func(op errorfs.Op) bool {
		return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, "MANIFEST")
	}}
	fs := vfs.NewCrashableMem()
	s := open(t, spool.Options{FS: errorfs.Wrap(fs, disk)})
	disk.on.Store(true)
	acked := 0
	body := make([]byte, 64<<10)
	for acked < 10_000 {
		if _, err := s.Append(t.Context(), spool.Record{Body: body}); err != nil {
			if !errors.Is(err, spool.ErrFailed) {
				t.Fatal(err)
			}
			break
		}
		acked++
	}
	<-s.Failed()
	after := open(t, spool.Options{FS: fs.CrashClone(vfs.CrashCloneCfg{})})
	if recs := readAll(t, after); len(recs) < acked {
		t.Errorf("%d records of %d acknowledged", len(recs), acked)
	}
}

// A flush that fails for a while is repeated, and costs nothing.
func TestFailedFlushIsRepeated(t *testing.T) {
	t.Parallel()
	disk := &failingDisk{fails: func(op errorfs.Op) bool {
		return op.Kind == errorfs.OpFileWrite && strings.HasSuffix(op.Path, ".sst")
	}}
	s := open(t, spool.Options{FS: errorfs.Wrap(vfs.NewMem(), disk)})
	disk.on.Store(true)
	mustAppend(t, s, "erase me")
	erased := make(chan error, 1)
	go func() { erased <- s.Delete(t.Context(), 1) }() // flushes
	for !disk.failed.Load() {
		mustAppend(t, s, "kept")
	}
	disk.on.Store(false)
	must(t, <-erased)
	must(t, s.Err())
	mustAppend(t, s, "kept")
}

func TestUndecodableRecordIsReturnedWithAMark(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	s := open(t, spool.Options{FS: fs})
	for _, body := range []string{"one", "two", "three", "four"} {
		mustAppend(t, s, body)
	}
	mustClose(t, s)
	db, err := pebble.Open("spool", &pebble.Options{FS: fs, FormatMajorVersion: pebble.FormatValueSeparation})
	must(t, err)
	key := func(seq uint64) []byte { return binary.BigEndian.AppendUint64([]byte("r"), seq) }
	must(t, db.Set(key(2), []byte("\x07junk of another form"), pebble.Sync))
	must(t, db.Set(key(3), []byte("\x01\x00\x00\x00\x00\x00\x00\x00\x01\xff"), pebble.Sync))
	must(t, db.Set(key(4), nil, pebble.Sync))
	must(t, db.Close())

	s = open(t, spool.Options{FS: fs})
	mustAppend(t, s, "five")
	for i, rec := range readAll(t, s) {
		if damaged := i >= 1 && i <= 3; errors.Is(rec.Err, spool.ErrDamaged) != damaged || rec.Seq != uint64(i)+1 {
			t.Errorf("record %d: %v", i+1, rec.Err)
		}
	}
	if _, err := s.Rewind(t.Context(), "c", noon); err != nil {
		t.Error(err)
	}
}

// Bytes flipped on the disk cost the records in that block, and block nobody.
func TestDamagedBlockDoesNotBlockReaders(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	const n = 200
	s := open(t, spool.Options{FS: fs})
	bodies := make([][]byte, n)
	for i := range bodies {
		bodies[i] = make([]byte, 2000)
		_, _ = rand.Read(bodies[i])
		_, err := s.Append(t.Context(), spool.Record{Body: bodies[i]})
		must(t, err)
	}
	must(t, s.Delete(t.Context(), n)) // brings all of them into a table
	mustClose(t, s)
	if !flip(t, fs, bodies[10][:64]) {
		t.Fatal("the body is not to be found in any table")
	}
	s = open(t, spool.Options{FS: fs})
	recs, err := s.Read(context.Background(), 0, 0, 0)
	if err != nil || len(recs) != n {
		t.Fatalf("%d records, %v", len(recs), err)
	}
	good := 0
	for i, rec := range recs[:n-1] {
		switch {
		case rec.Err == nil && bytes.Equal(rec.Body, bodies[i]):
			good++
		case !errors.Is(rec.Err, spool.ErrDamaged):
			t.Errorf("record %d: %v", i+1, rec.Err)
		}
	}
	if recs[10].Err == nil || good < n/2 {
		t.Errorf("%d good records, and the flipped one says %v", good, recs[10].Err)
	}
}

// flip inverts a byte of the first place in any table that holds what.
func flip(t *testing.T, fs vfs.FS, what []byte) bool {
	t.Helper()
	names, err := fs.List("spool")
	must(t, err)
	found := false
	for _, name := range names {
		path := fs.PathJoin("spool", name)
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		f, err := fs.Open(path)
		must(t, err)
		data, err := io.ReadAll(f)
		must(t, err)
		must(t, f.Close())
		if i := bytes.Index(data, what); i >= 0 {
			data[i] ^= 0xff
			f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
			must(t, err)
			_, err = f.Write(data)
			must(t, errors.Join(err, f.Close()))
			found = true
		}
	}
	return found
}
