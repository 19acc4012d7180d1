package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"fonoteka/internal/relay"
	"fonoteka/internal/spool"
)

var errPoison = errors.New("the server will never take this")

// sink remembers what it took.
type sink struct {
	mu      sync.Mutex
	took    []string
	aside   []string
	outage  int // so many deliveries fail first
	most    int // records of a portion; 0: all
	tries   int
	onBatch func()
}

func (s *sink) Sink(_ context.Context, batch []spool.Record) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if s.outage > 0 {
		s.outage--
		return 0, errors.New("out")
	}
	if s.most > 0 {
		batch = batch[:min(s.most, len(batch))]
	}
	for _, rec := range batch {
		if strings.Contains(string(rec.Body), "poison") {
			return 0, errPoison
		}
	}
	for _, rec := range batch {
		s.took = append(s.took, string(rec.Body))
	}
	if s.onBatch != nil {
		s.onBatch()
	}
	return len(batch), nil
}

func (s *sink) SetAside(_ context.Context, rec spool.Record, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aside = append(s.aside, string(rec.Body))
	return nil
}

func open(t *testing.T, bodies ...string) *spool.Spool {
	t.Helper()
	sp, err := spool.Open(spool.Options{FS: vfs.NewMem(), Cursors: []string{"c"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sp.Close() })
	for _, b := range bodies {
		if _, err := sp.Append(t.Context(), spool.Record{Integration: "main", Body: []byte(b)}); err != nil {
			t.Fatal(err)
		}
	}
	return sp
}

// run relays until the cursor has reached the end.
func run(t *testing.T, sp *spool.Spool, s *sink, end uint64) {
	t.Helper()
	r, err := relay.New(relay.Options{
		Cursor: "c", Source: sp, Sink: s.Sink, SetAside: s.SetAside, Log: slog.New(slog.DiscardHandler), Gather: time.Microsecond,
		Refused: func(err error) bool { return errors.Is(err, errPoison) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	for ctx.Err() == nil {
		if at, _ := sp.Cursor("c"); at >= end {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Errorf("the cursor did not reach %d", end)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run = %v", err)
	}
}

func numbered(n int) (bodies []string) {
	for i := range n {
		bodies = append(bodies, fmt.Sprint("record ", i))
	}
	return bodies
}

func TestRecordsArriveOnceInOrder(t *testing.T) {
	t.Parallel()
	bodies := numbered(500)
	sp := open(t, bodies...)
	s := &sink{outage: 2}
	run(t, sp, s, 500)
	run(t, sp, s, 500) // a second start finds nothing to do
	if !slices.Equal(s.took, bodies) {
		t.Errorf("took %d records: %.80q …", len(s.took), s.took)
	}
}

func TestPoisonIsSetAsideAndBlocksNothing(t *testing.T) {
	t.Parallel()
	bodies := numbered(100)
	bodies[0], bodies[57], bodies[58], bodies[99] = "poison a", "poison b", "poison c", "poison d"
	s := &sink{}
	run(t, open(t, bodies...), s, 100)
	if want := []string{"poison a", "poison b", "poison c", "poison d"}; !slices.Equal(s.aside, want) {
		t.Errorf("set aside %q, want %q", s.aside, want)
	}
	good := slices.DeleteFunc(bodies, func(b string) bool { return strings.HasPrefix(b, "poison") })
	if !slices.Equal(s.took, good) {
		t.Errorf("took %d records, want %d in order", len(s.took), len(good))
	}
}

func TestManyPoisonedRecordsCostFewTries(t *testing.T) {
	t.Parallel()
	bodies := make([]string, 300)
	for i := range bodies {
		bodies[i] = fmt.Sprint("poison ", i)
	}
	s := &sink{}
	run(t, open(t, bodies...), s, 300)
	if !slices.Equal(s.aside, bodies) || s.tries > 3*len(bodies) {
		t.Errorf("set aside %d of %d in %d tries", len(s.aside), len(bodies), s.tries)
	}
}

// A sink that holds little takes a batch in portions, and the cursor moves after each:
// who is killed amid them goes on where it was.
func TestTheCursorMovesWithEachPortion(t *testing.T) {
	t.Parallel()
	bodies := numbered(100)
	bodies[40] = "poison"
	sp := open(t, bodies...)
	s := &sink{most: 7}
	s.onBatch = func() {
		at, err := sp.Cursor("c")
		if took := len(s.took) + len(s.aside); err != nil || int(at) >= took || int(at) < took-7-1 {
			t.Errorf("the cursor is at %d when %d were taken: %v", at, took, err)
		}
	}
	run(t, sp, s, 100)
	if want := slices.DeleteFunc(bodies, func(b string) bool { return b == "poison" }); !slices.Equal(s.took, want) || len(s.aside) != 1 {
		t.Errorf("took %d records, want %d in order; set aside %q", len(s.took), len(want), s.aside)
	}
}

func TestAStopIsNotHeldUpByABatchOfManyPortions(t *testing.T) {
	t.Parallel()
	sp := open(t, numbered(100)...)
	s := &sink{most: 1}
	ctx, stop := context.WithCancel(t.Context())
	s.onBatch = func() {
		if len(s.took) == 5 {
			stop()
		}
	}
	r, err := relay.New(relay.Options{Cursor: "c", Source: sp, Sink: s.Sink, Log: slog.New(slog.DiscardHandler), Gather: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(ctx); err != nil || len(s.took) != 5 {
		t.Errorf("took %d records after the stop at 5: %v", len(s.took), err)
	}
	if at, err := sp.Cursor("c"); err != nil || at != 5 {
		t.Errorf("the cursor is at %d: %v", at, err)
	}
}

func TestRewindDuringADeliveryIsNotUndone(t *testing.T) {
	t.Parallel()
	sp := open(t, numbered(3)...)
	s := &sink{}
	s.onBatch = func() {
		s.onBatch = nil
		if _, err := sp.Rewind(context.WithoutCancel(t.Context()), "c", time.Time{}); err != nil {
			t.Error(err)
		}
		if _, err := sp.Append(context.WithoutCancel(t.Context()), spool.Record{Body: []byte("later")}); err != nil {
			t.Error(err)
		}
	}
	if err := sp.Advance("c", 0, 1); err != nil { // so that going back is seen
		t.Fatal(err)
	}
	run(t, sp, s, 4)
	if want := []string{"record 1", "record 2", "record 0", "record 1", "record 2", "later"}; !slices.Equal(s.took, want) {
		t.Errorf("took %q, want %q", s.took, want)
	}
}

// A relay that has delivered everything delivers again what its cursor is rewound
// to, without waiting for the next record.
func TestARewoundRelayDoesNotWaitForTheNextRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sp := open(t, numbered(3)...)
		s := &sink{}
		r, err := relay.New(relay.Options{Cursor: "c", Source: sp, Sink: s.Sink, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(time.Minute)
		if _, err := sp.Rewind(t.Context(), "c", time.Time{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
		if want := append(numbered(3), numbered(3)...); !slices.Equal(s.took, want) {
			t.Errorf("took %q, want %q", s.took, want)
		}
		_ = sp.Close()
	})
}
