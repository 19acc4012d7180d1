package spool_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"fonoteka/internal/spool"
)

func TestReadReturnsWhatWasAppended(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Options{})
	var want []spool.Record
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(rapid.Just(""), rapid.String())
		rec := spool.Record{
			Integration:     text.Draw(rt, "integration"),
			ContentType:     text.Draw(rt, "type"),
			ContentEncoding: text.Draw(rt, "encoding"),
			Truncated:       text.Draw(rt, "truncated"),
			Body:            rapid.SliceOf(rapid.Byte()).Draw(rt, "body"),
		}
		seq, err := s.Append(t.Context(), rec)
		if err != nil || seq != uint64(len(want))+1 {
			rt.Fatalf("got number %d, %v after %d records", seq, err, len(want))
		}
		rec.Seq = seq
		want = append(want, rec)
	})
	got := readAll(t, s)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(spool.Record{}, "ReceivedAt"), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestReceiveTimeNeverGoesBack(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	var now atomic.Int64
	clock := func() time.Time { return time.Unix(now.Load(), 0) }
	now.Store(1_800_000_000)
	s := open(t, spool.Options{FS: fs, Now: clock})
	mustAppend(t, s, "first")
	now.Add(-3600)
	mustAppend(t, s, "an hour earlier")
	mustClose(t, s)

	now.Add(-3600)
	s = open(t, spool.Options{FS: fs, Now: clock, Retain: time.Nanosecond})
	mustAppend(t, s, "after a restart")
	must(t, s.SetCursor("c", 3))
	now.Add(3 * 3600)
	must(t, s.Trim(t.Context()))
	mustClose(t, s)

	now.Add(-9 * 3600)
	s = open(t, spool.Options{FS: fs, Now: clock})
	if got := readAll(t, s); len(got) != 0 {
		t.Fatalf("%d records left by the trim", len(got))
	}
	mustAppend(t, s, "after all others were trimmed")
	rec := readAll(t, s)[0]
	if rec.Seq != 4 || rec.ReceivedAt.Unix() < 1_800_000_000 {
		t.Errorf("number %d received at %v", rec.Seq, rec.ReceivedAt)
	}
}

func TestReadersSeeNoGapUnderConcurrentWriters(t *testing.T) {
	t.Parallel()
	const writers, each = 32, 100
	s := open(t, spool.Options{})
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if _, err := s.Append(t.Context(), spool.Record{Body: []byte("x")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var next uint64
	for next < writers*each {
		must(t, s.Wait(t.Context(), "", next))
		recs, err := s.Read(t.Context(), next, 7, 0)
		must(t, err)
		if len(recs) == 0 {
			t.Fatal("waited for nothing")
		}
		for _, rec := range recs {
			if next++; rec.Seq != next {
				t.Fatalf("record %d where %d was due", rec.Seq, next)
			}
		}
	}
	wg.Wait()
}

func TestReadKeepsToItsLimits(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Options{})
	for range 5 {
		mustAppend(t, s, string(make([]byte, 1000)))
	}
	for _, c := range []struct{ after, max, bytes, want int }{
		{0, 0, 0, 5}, {0, 2, 0, 2}, {3, 10, 0, 2}, {0, 0, 2500, 2}, {0, 0, 1, 1}, {5, 0, 0, 0}, {99, 0, 0, 0}, {0, math.MaxInt, math.MaxInt, 5},
	} {
		recs, err := s.Read(t.Context(), uint64(c.after), c.max, c.bytes)
		if err != nil || len(recs) != c.want {
			t.Errorf("after %d, max %d, %d bytes: %d records, %v, want %d", c.after, c.max, c.bytes, len(recs), err, c.want)
		}
	}
}

func TestWaitEndsByAppendContextAndClose(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	for _, c := range []struct {
		end  func()
		want error
	}{
		{func() { mustAppend(t, s, "x") }, nil},
		{cancel, context.Canceled},
		{func() { mustClose(t, s) }, spool.ErrClosed},
	} {
		got := make(chan error)
		st, err := s.Stats()
		must(t, err)
		waitCtx := t.Context()
		if errors.Is(c.want, context.Canceled) {
			waitCtx = ctx
		}
		go func() { got <- s.Wait(waitCtx, "", st.Last) }()
		c.end()
		if err := <-got; !errors.Is(err, c.want) {
			t.Errorf("got %v, want %v", err, c.want)
		}
	}
}

func TestAppendTakesNothingWithoutAContext(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		seq, err := s.Append(ctx, spool.Record{Body: []byte("x")})
		if kept := len(readAll(t, s)); (err == nil) != (kept > 0 && seq == uint64(kept)) {
			t.Fatalf("said %d, %v, but %d are kept", seq, err, kept)
		}
	}
}

func TestFullSpoolRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var left atomic.Uint64
		left.Store(200)
		reg := prometheus.NewPedanticRegistry()
		s, err := spool.Open(spool.Options{
			FS: vfs.NewMem(), ReserveBytes: 100, Registerer: reg,
			Free: func() (uint64, error) { return left.Load(), nil },
		})
		must(t, err)
		defer mustClose(t, s)
		mustAppend(t, s, "room")
		left.Store(99)
		time.Sleep(time.Second)
		if _, err := s.Append(t.Context(), spool.Record{}); !errors.Is(err, spool.ErrFull) {
			t.Errorf("got %v, want ErrFull", err)
		}
		must(t, s.SetCursor("c", 1)) // consumers go on
		if n, _ := testutil.GatherAndCount(reg, "fonoteka_spool_full_total"); n != 1 {
			t.Error("refusal is not counted")
		}
		left.Store(100)
		time.Sleep(time.Second)
		if seq := mustAppend(t, s, "room again"); seq != 2 {
			t.Errorf("number %d after a refusal, want 2", seq)
		}
	})
}

func TestFullIsNoticedWithinManyBytesToo(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	s := open(t, spool.Options{Free: func() (uint64, error) {
		asked.Add(1)
		return math.MaxUint64, nil
	}})
	start := asked.Load()
	began := time.Now()
	for range 40 {
		mustAppend(t, s, string(make([]byte, 1<<20)))
	}
	if got := asked.Load() - start; got < 2 || got > 3+int64(time.Since(began)/time.Second) {
		t.Errorf("asked %d times during 40 MiB", got)
	}
}

// Not parallel: it looks at all goroutines of the process.
func TestCloseLeavesNothingRunning(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	s, err := spool.Open(spool.Options{Dir: t.TempDir(), ReserveBytes: 1, Registerer: prometheus.NewRegistry()})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	for i := range 100 {
		mustAppend(t, s, fmt.Sprint(i))
	}
	cancel()
	must(t, <-ran)
	mustClose(t, s)
	if _, err := s.Append(t.Context(), spool.Record{}); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	if _, err := s.Read(t.Context(), 0, 0, 0); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	goleak.VerifyNone(t, ignore)
}

func TestNobodyElseMayReadTheSpool(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]fs.FileMode{"new": 0, "open to others": 0o755} {
		dir := filepath.Join(t.TempDir(), "spool")
		if before != 0 {
			if err := os.Mkdir(dir, before); err != nil {
				t.Fatal(err)
			}
		}
		mustAppend(t, open(t, spool.Options{Dir: dir}), "body")
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o700 {
			t.Errorf("%s: mode %o", name, got)
		}
	}
}
