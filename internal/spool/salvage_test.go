package spool_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"fonoteka/internal/spool"
)

// What was erased or trimmed lies in the files for a while. It does not come back.
func TestSalvageLeavesOutWhatWasErasedOrTrimmed(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	s, now := hourly(t, spool.Options{FS: fs, Retain: time.Hour, Cursors: []string{"c", "d"}}, 20)
	must(t, s.SetCursor("c", 12))
	must(t, s.SetCursor("d", 5))
	*now = now.Add(24 * time.Hour)
	must(t, s.Trim(t.Context()))
	must(t, s.Delete(t.Context(), 9))
	must(t, s.Delete(t.Context(), 15))
	mustAppend(t, s, "body 21")
	mustClose(t, s)
	salvage, err := spool.OpenSalvage(fs, "spool")
	must(t, err)
	survey, err := salvage.Survey(t.Context())
	must(t, err)
	if survey.First != 6 || survey.Last != 21 || survey.Readable != 14 || survey.Erased != 2 || !survey.LastKnown || !survey.Newest.Equal(*now) {
		t.Errorf("%+v", survey)
	}
	for cursor, want := range map[string][]uint64{
		"c":       {13, 14, 16, 17, 18, 19, 20, 21},
		"d":       {6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21},
		"unknown": {6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21},
	} {
		var got []uint64
		must(t, salvage.Records(t.Context(), survey, survey.From(cursor), func(batch []spool.Record) error {
			for _, rec := range batch {
				got = append(got, rec.Seq)
				if want := fmt.Sprint("body ", rec.Seq); string(rec.Body) != want || rec.Seq < 21 && !rec.ReceivedAt.Equal(noon.Add(time.Duration(rec.Seq-1)*time.Hour)) {
					t.Errorf("record %d is %q of %v", rec.Seq, rec.Body, rec.ReceivedAt)
				}
			}
			return nil
		}))
		readable, missing := survey.Owed(cursor)
		if fmt.Sprint(sorted(got)) != fmt.Sprint(want) || int(readable) != len(want) || missing != 0 {
			t.Errorf("%s: %v, %d, %d missing, want %v", cursor, got, readable, missing, want)
		}
	}
}

// Reading changes nothing in the folder.
func TestSalvageLeavesTheFolderAsItIs(t *testing.T) {
	t.Parallel()
	dir := imaged(t)
	onFile(logFile, flipAt(0.5, 0))(t, dir)
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o400)
	}))
	before := listing(t, dir)
	salvage, err := spool.OpenSalvage(nil, dir)
	must(t, err)
	survey, err := salvage.Survey(t.Context())
	must(t, err)
	if survey.Readable != imageRecords-1 || survey.FaultCount != 1 {
		t.Errorf("%+v", survey)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("the folder was\n%s\nand is\n%s", before, after)
	}
	if _, err := spool.OpenSalvage(nil, t.TempDir()); !errors.Is(err, spool.ErrNoSpool) {
		t.Errorf("an empty folder: %v", err)
	}
}

// A file that the disk does not give counts as not readable: it will not come back.
// Rights and open files are for a person or for time to mend, and until then nothing
// may be taken for lost.
func TestSalvageWaitsForWhatPasses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file   string
		errno  syscall.Errno
		passes bool
	}{
		"no right to read a log":       {".log", syscall.EACCES, true},
		"no right to read a table":     {".sst", syscall.EACCES, true},
		"too many open files":          {".log", syscall.EMFILE, true},
		"too many open files, a table": {".sst", syscall.EMFILE, true},
		"an I/O error of a log":        {".log", syscall.EIO, false},
		"an I/O error of a table":      {".sst", syscall.EIO, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if strings.HasSuffix(op.Path, c.file) && op.Kind.ReadOrWrite() == errorfs.OpIsRead && (!c.passes || op.Kind == errorfs.OpOpen) {
					return &os.PathError{Op: "test", Path: op.Path, Err: c.errno}
				}
				return nil
			}))
			salvage, err := spool.OpenSalvage(fs, imaged(t))
			must(t, err)
			survey, err := salvage.Survey(t.Context())
			if c.passes {
				if !errors.Is(err, c.errno) {
					t.Errorf("the survey ends with %v, and %d records that can be read", err, survey.Readable)
				}
				return
			}
			must(t, err)
			if survey.FaultCount == 0 || survey.Readable == 0 || survey.Readable == imageRecords {
				t.Errorf("%d faults, %d records that can be read", survey.FaultCount, survey.Readable)
			}
		})
	}
}

// Batches of many records go over many blocks of the log, and log files that were
// used before hold an older log behind the newer one. Damage costs the batch that
// it hits from there on; all others are read.
func TestSalvageOfLargeBatchesInUsedLogs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, spool.Options{Dir: dir, ReserveBytes: 1, Cursors: []string{"c"}})
	const records = 1500
	var wg sync.WaitGroup
	var ids atomic.Uint64
	for w := range 32 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 0))
			for id := ids.Add(1); id <= records; id = ids.Add(1) {
				body := numbered(id, rng)
				for len(body) < 10_000 {
					body = numbered(id, rng)
				}
				if _, err := s.Append(t.Context(), spool.Record{Integration: "main", Body: body}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	copied := filepath.Join(t.TempDir(), "spool")
	must(t, os.CopyFS(copied, os.DirFS(dir)))
	mustClose(t, s)
	rng := rand.New(rand.NewPCG(5, 6))
	logs, err := filepath.Glob(filepath.Join(copied, logFile))
	must(t, err)
	for range 3 {
		for _, path := range logs {
			rewrite(t, path, func(b []byte) []byte { b[rng.IntN(len(b))] ^= 1 << rng.IntN(8); return b })
		}
		salvage, err := spool.OpenSalvage(nil, copied)
		must(t, err)
		survey, err := salvage.Survey(t.Context())
		must(t, err)
		seen := map[uint64]bool{}
		must(t, salvage.Records(t.Context(), survey, survey.From("c"), func(batch []spool.Record) error {
			for _, rec := range batch {
				id, err := idOf(rec.Body)
				if err != nil || seen[id] {
					t.Errorf("record %d: %v, twice: %t", rec.Seq, err, seen[id])
				}
				seen[id] = true
			}
			return nil
		}))
		if readable, missing := survey.Owed("c"); int(readable) != len(seen) || readable+missing != records {
			t.Errorf("%d given, %d readable, %d missing of %d", len(seen), readable, missing, records)
		}
		t.Logf("%d logs, %d faults, %d of %d read", len(logs), survey.FaultCount, len(seen), records)
	}
}
