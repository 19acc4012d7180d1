package spool_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"fonoteka/internal/spool"
)

// Power fails at each operation of the first and of a later start, many times
// over: what the folder then looks like must open, and hold what was acknowledged.
func TestP1AStartThatLosesPowerCanBeStartedAgain(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, records := range []int{0, 3} {
		for range 40 {
			fs := vfs.NewCrashableMem()
			for range records { // each start makes a new manifest
				appendOne(t, fs)
			}
			var mu sync.Mutex // pebble writes from several goroutines
			var clones []*vfs.MemFS
			at := errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
					mu.Lock()
					defer mu.Unlock()
					clones = append(clones, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}))
				}
				return nil
			})
			s, err := spool.Open(spool.Options{FS: errorfs.Wrap(fs, at)})
			if err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			during := clones
			mu.Unlock()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			for i, clone := range during {
				if got := count(t, clone); got != records {
					t.Fatalf("%d records after power failed at operation %d of a start, want %d", got, i, records)
				}
			}
		}
	}
}

func appendOne(t *testing.T, fs vfs.FS) {
	t.Helper()
	s, err := spool.Open(spool.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), spool.Record{Body: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, fs vfs.FS) int {
	t.Helper()
	s, err := spool.Open(spool.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	recs, err := s.Read(t.Context(), 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return len(recs)
}
