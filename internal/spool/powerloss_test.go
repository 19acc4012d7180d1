package spool_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"fonoteka/internal/spool"
)

// After a loss of power at any moment, everything acknowledged before it is
// there: right, in order, once. Power fails between two operations on the file
// system chosen at random, under 64 writers and a moving cursor; a random part of
// what was not synced survives.
func TestP1AcknowledgedRecordsSurvivePowerLoss(t *testing.T) {
	t.Parallel()
	clones, perEpoch := 1000, 20
	if testing.Short() {
		clones = 100
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var got crashStats
	for epoch := range clones / perEpoch {
		e := newCrashEpoch(rand.New(rand.NewPCG(seed, uint64(epoch))), perEpoch)
		if err := e.run(t.Context()); err != nil {
			t.Fatalf("epoch %d: %v", epoch, err)
		}
		got.clones += e.stats.clones
		got.acked += e.stats.acked
		got.records += e.stats.records
		got.beyond += e.stats.beyond
	}
	t.Logf("%d clones, %d acknowledged records looked for, %d found, of them %d not acknowledged yet",
		got.clones, got.acked, got.records, got.beyond)
	if got.clones != clones || got.acked == 0 || got.beyond == 0 {
		t.Error("the test has not seen what it is about")
	}
}

type crashStats struct{ clones, acked, records, beyond int }

// ack is one acknowledged append.
type ack struct{ seq, id uint64 }

// crash is a file system as the power left it, and what had been acknowledged.
type crash struct {
	fs     vfs.FS
	acked  []ack
	cursor uint64 // the newest position set before
}

// crashEpoch fills one spool on a crashable file system and checks clones of it.
type crashEpoch struct {
	rng     *rand.Rand // guarded by mu
	seed    uint64
	fs      *vfs.MemFS
	crashes chan crash
	stats   crashStats

	mu     sync.Mutex
	acked  []ack
	cursor uint64
	left   int // clones to take
	next   int // operations until the next one
}

func newCrashEpoch(rng *rand.Rand, clones int) *crashEpoch {
	return &crashEpoch{rng: rng, seed: rng.Uint64(), fs: vfs.NewCrashableMem(), left: clones, next: 1 + rng.IntN(30), crashes: make(chan crash, 2)}
}

// before runs before each operation on the file system, in pebble's goroutines.
func (e *crashEpoch) before(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.next--; e.next > 0 || e.left == 0 {
		return nil
	}
	e.next = 1 + e.rng.IntN(8)
	e.left--
	cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: 25 * e.rng.IntN(5), RNG: e.rng}
	e.crashes <- crash{fs: e.fs.CrashClone(cfg), acked: e.acked[:len(e.acked):len(e.acked)], cursor: e.cursor}
	if e.left == 0 {
		close(e.crashes)
	}
	return nil
}

func (e *crashEpoch) run(ctx context.Context) error {
	verified := make(chan error, 1)
	go func() {
		var err error
		for c := range e.crashes { // to the end, so that the writers end
			if err == nil {
				err = e.verify(ctx, c)
			}
		}
		verified <- err
	}()
	s, err := spool.Open(spool.Options{FS: errorfs.Wrap(e.fs, errorfs.InjectorFunc(e.before)), Cursors: []string{"c"}})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	var ids atomic.Uint64
	for w := range 64 {
		rng := rand.New(rand.NewPCG(e.seed, uint64(w)))
		wg.Go(func() { e.write(ctx, s, rng, &ids) })
	}
	wg.Wait()
	return errors.Join(<-verified, s.Close())
}

func (e *crashEpoch) write(ctx context.Context, s *spool.Spool, rng *rand.Rand, ids *atomic.Uint64) {
	for {
		e.mu.Lock()
		done := e.left == 0
		e.mu.Unlock()
		if done {
			return
		}
		id := ids.Add(1)
		seq, err := s.Append(ctx, spool.Record{Integration: "main", Body: numbered(id, rng)})
		if err != nil {
			panic(err)
		}
		e.mu.Lock()
		e.acked = append(e.acked, ack{seq, id})
		if rng.IntN(10) == 0 && seq > e.cursor {
			e.cursor = seq
		}
		pos := e.cursor
		e.mu.Unlock()
		if pos == seq {
			if err := s.SetCursor("c", pos); err != nil {
				panic(err)
			}
		}
	}
}

func (e *crashEpoch) verify(ctx context.Context, c crash) error {
	s, err := spool.Open(spool.Options{FS: c.fs})
	if err != nil {
		return fmt.Errorf("open after power loss: %w", err)
	}
	defer s.Close()
	recs, err := s.Read(ctx, 0, 0, 0)
	if err != nil {
		return err
	}
	acked := make(map[uint64]uint64, len(c.acked))
	for _, a := range c.acked {
		acked[a.seq] = a.id
	}
	pos, err := s.Cursor("c")
	if err == nil && (pos > c.cursor || pos > uint64(len(recs))) {
		err = fmt.Errorf("cursor at %d of %d records, though it was set to no more than %d", pos, len(recs), c.cursor)
	}
	e.stats.clones++
	e.stats.acked += len(acked)
	e.stats.records += len(recs)
	e.stats.beyond += len(recs) - len(acked)
	if err != nil {
		return err
	}
	return check(recs, acked)
}

// What was erased stays erased, what was trimmed stays trimmed, and a rewound
// cursor stays rewound, once the call has returned.
func TestErasureTrimAndRewindSurvivePowerLoss(t *testing.T) {
	t.Parallel()
	fs := vfs.NewCrashableMem()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := open(t, spool.Options{FS: fs, Now: func() time.Time { return now }, Retain: time.Hour})
	for i := range 10 {
		mustAppend(t, s, fmt.Sprint(i+1))
		now = now.Add(10 * time.Minute)
	}
	must(t, s.SetCursor("c", 9))
	must(t, s.Trim(t.Context())) // now is 100 min after the first: keeps those of the last 60
	must(t, s.Delete(t.Context(), 7))
	if first, err := s.Rewind(t.Context(), "c", now.Add(-25*time.Minute)); err != nil || first != 9 {
		t.Fatalf("rewound to %d, %v, want 9", first, err)
	}
	after := open(t, spool.Options{FS: fs.CrashClone(vfs.CrashCloneCfg{}), Now: func() time.Time { return now }})
	recs := readAll(t, after)
	if len(recs) != 6 || recs[0].Seq != 5 || recs[2].Err == nil || len(recs[2].Body) != 0 {
		t.Errorf("after power loss: %v", recs)
	}
	if pos, _ := after.Cursor("c"); pos != 8 {
		t.Errorf("cursor at %d, want 8", pos)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
