package spool_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"fonoteka/internal/spool"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// hourly returns a spool in fs with n records received an hour apart from noon
// on, and its clock, which stands at the last one.
func hourly(t *testing.T, o spool.Options, n int) (*spool.Spool, *time.Time) {
	now := noon
	o.Now = func() time.Time { return now }
	s := open(t, o)
	for i := range n {
		now = noon.Add(time.Duration(i) * time.Hour)
		mustAppend(t, s, fmt.Sprint("body ", i+1))
	}
	return s, &now
}

func TestCursorsAreKeptAcrossRestarts(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	s, _ := hourly(t, spool.Options{FS: fs}, 5)
	must(t, s.SetCursor("warehouse", 3))
	must(t, s.SetCursor("recordings", 5))
	if err := s.SetCursor("warehouse", 6); !errors.Is(err, spool.ErrUnknownSeq) {
		t.Errorf("beyond the newest record: %v", err)
	}
	mustClose(t, s)
	s = open(t, spool.Options{FS: fs})
	for name, want := range map[string]uint64{"warehouse": 3, "recordings": 5, "new": 0} {
		if got, err := s.Cursor(name); err != nil || got != want {
			t.Errorf("%s at %d, %v, want %d", name, got, err, want)
		}
	}
}

func TestRewindFindsTheFirstRecordOfATime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		to     time.Duration
		first  uint64
		cursor uint64
	}{
		{-time.Hour, 3, 2}, // 1 and 2 are trimmed
		{2 * time.Hour, 3, 2},
		{2*time.Hour + 1, 4, 3},
		{6 * time.Hour, 7, 6},
		{9 * time.Hour, 10, 8}, // the cursor never moves ahead
		{10 * time.Hour, 11, 8},
	} {
		s, now := hourly(t, spool.Options{Retain: time.Hour}, 10)
		must(t, s.SetCursor("trimmer", 2))
		*now = now.Add(24 * time.Hour)
		must(t, s.Trim(t.Context()))
		must(t, s.SetCursor("c", 8))
		first, err := s.Rewind(t.Context(), "c", noon.Add(c.to))
		pos, _ := s.Cursor("c")
		if err != nil || first != c.first || pos != c.cursor {
			t.Errorf("to %v: first %d, cursor %d, %v, want %d and %d", c.to, first, pos, err, c.first, c.cursor)
		}
	}
}

func TestAdvanceDoesNotUndoARewind(t *testing.T) {
	t.Parallel()
	s, _ := hourly(t, spool.Options{}, 5)
	must(t, s.Advance("c", 0, 4))
	_, err := s.Rewind(t.Context(), "c", noon)
	must(t, err)
	if err := s.Advance("c", 4, 5); !errors.Is(err, spool.ErrMoved) {
		t.Errorf("got %v, want ErrMoved", err)
	}
	if pos, _ := s.Cursor("c"); pos != 0 {
		t.Errorf("cursor at %d", pos)
	}
}

func TestTrimKeepsWhatOneCursorHasNotPassed(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	s, now := hourly(t, spool.Options{FS: fs, Cursors: []string{"fast", "slow"}, Retain: 4 * time.Hour}, 10)
	for _, step := range []struct {
		fast, slow uint64
		later      time.Duration
		first      uint64
	}{
		{10, 0, 99 * time.Hour, 1}, // one has not begun
		{10, 3, 0, 4},
		{10, 9, 0, 10},
		{10, 10, -99 * time.Hour, 10}, // all passed, but young
		{10, 10, 99 * time.Hour, 11},  // and now empty
	} {
		*now = now.Add(step.later)
		must(t, s.SetCursor("fast", step.fast))
		must(t, s.SetCursor("slow", step.slow))
		must(t, s.Trim(t.Context()))
		recs := readAll(t, s)
		if st, _ := s.Stats(); st.First != step.first || st.Records != uint64(len(recs)) || len(recs) != int(11-step.first) {
			t.Fatalf("%+v: %+v, %d read", step, st, len(recs))
		}
	}
	mustClose(t, s)
	s = open(t, spool.Options{FS: fs})
	if seq := mustAppend(t, s, "next"); seq != 11 {
		t.Errorf("number %d after a restart of an empty spool, want 11", seq)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(ctx, "", 11); !errors.Is(err, context.Canceled) {
		t.Errorf("waited for what is not there: %v", err)
	}
}

func TestTrimByAgeKeepsTheYoung(t *testing.T) {
	t.Parallel()
	s, _ := hourly(t, spool.Options{Retain: 4 * time.Hour}, 10)
	must(t, s.SetCursor("c", 10))
	must(t, s.Trim(t.Context()))
	if recs := readAll(t, s); len(recs) != 5 || recs[0].Seq != 6 {
		t.Errorf("kept %d", len(recs))
	}
}

func TestDeleteErasesOneRecordAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	s, _ := hourly(t, spool.Options{FS: fs}, 5)
	must(t, s.Delete(t.Context(), 3))
	must(t, s.Delete(t.Context(), 3))
	for _, seq := range []uint64{0, 6} {
		if err := s.Delete(t.Context(), seq); !errors.Is(err, spool.ErrUnknownSeq) {
			t.Errorf("record %d: %v", seq, err)
		}
	}
	for range 2 {
		recs := readAll(t, s)
		if len(recs) != 5 {
			t.Fatalf("%d records", len(recs))
		}
		for i, rec := range recs {
			if erased := i == 2; errors.Is(rec.Err, spool.ErrErased) != erased || (len(rec.Body) == 0) != erased || !rec.ReceivedAt.Equal(noon.Add(time.Duration(i)*time.Hour)) {
				t.Errorf("record %d: %v", i+1, rec)
			}
		}
		mustClose(t, s)
		s = open(t, spool.Options{FS: fs})
	}
}

func TestStatsAndMetricsTellTheLag(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	s, now := hourly(t, spool.Options{Registerer: reg, Cursors: []string{"c"}}, 5)
	must(t, s.SetCursor("c", 3))
	*now = now.Add(time.Minute)
	st, err := s.Stats()
	must(t, err)
	if lag := st.Cursors["c"]; lag.Records != 2 || lag.Age != time.Hour+time.Minute || st.Records != 5 || !st.Oldest.Equal(noon) || st.Bytes == 0 {
		t.Errorf("%+v", st)
	}
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	if n, err := testutil.GatherAndCount(reg, "fonoteka_spool_cursor_lag_seconds", "fonoteka_spool_sync_seconds", "fonoteka_spool_batch_records"); n != 3 || err != nil {
		t.Errorf("%d metrics, %v", n, err)
	}
}

// A consumer that has done with everything waits for the next record. When its
// cursor is rewound, it has work at once.
func TestRewindWakesAWaitingReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := hourly(t, spool.Options{}, 5)
		must(t, s.SetCursor("c", 5))
		must(t, s.SetCursor("other", 5))
		waited, other := make(chan error, 1), make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { waited <- s.Wait(ctx, "c", 5) }()
		go func() { other <- s.Wait(ctx, "other", 5) }()
		synctest.Wait()
		_, err := s.Rewind(t.Context(), "c", noon)
		must(t, err)
		synctest.Wait()
		select {
		case err := <-waited:
			if !errors.Is(err, spool.ErrMoved) {
				t.Errorf("the rewound consumer was told %v, want ErrMoved", err)
			}
		default:
			t.Error("the rewound consumer still waits")
		}
		select {
		case err := <-other:
			t.Errorf("another consumer was woken: %v", err)
		default:
		}
		// A consumer that read its cursor before the rewind and waits only now.
		late, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		if err := s.Wait(late, "c", 5); !errors.Is(err, spool.ErrMoved) {
			t.Errorf("waiting from where the cursor was: %v, want ErrMoved", err)
		}
		cancel()
		<-other
		mustClose(t, s)
	})
}
