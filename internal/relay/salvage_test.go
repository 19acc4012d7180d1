package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"fonoteka/internal/relay"
	"fonoteka/internal/spool"
)

// damaged is a file system with a spool of 3,000 records that was put aside: the
// log's one record that cannot be read is the one with the body "lost". The cursor
// "rows" was at 1,000 and "jobs" at 2,990.
func damaged(t *testing.T) vfs.FS {
	t.Helper()
	fs := vfs.NewMem()
	sp, err := spool.Open(spool.Options{FS: fs, Cursors: []string{"rows", "jobs"}})
	must(t, err)
	for i := range 3000 {
		body := fmt.Sprint("record ", i+1)
		if i+1 == 2500 {
			body = "lost"
		}
		_, err := sp.Append(t.Context(), spool.Record{Integration: "main", Body: []byte(body)})
		must(t, err)
	}
	must(t, sp.Advance("rows", 0, 1000))
	must(t, sp.Advance("jobs", 0, 2990))
	must(t, sp.Close())
	spoil(t, fs, "lost")
	sp, err = spool.Open(spool.Options{FS: fs, PutAside: true})
	must(t, err)
	must(t, sp.Close())
	return fs
}

// spoil flips a bit of a body in a log.
func spoil(t *testing.T, fs vfs.FS, body string) {
	t.Helper()
	names, err := fs.List("spool")
	must(t, err)
	for _, name := range names {
		if !strings.HasSuffix(name, ".log") {
			continue
		}
		f, err := fs.OpenReadWrite("spool/"+name, vfs.WriteCategoryUnspecified)
		must(t, err)
		info, err := f.Stat()
		must(t, err)
		data := make([]byte, info.Size())
		_, err = f.ReadAt(data, 0)
		must(t, err)
		if at := strings.Index(string(data), body); at >= 0 {
			_, err = f.WriteAt([]byte{data[at] ^ 1}, int64(at))
			must(t, errors.Join(err, f.Close()))
			return
		}
	}
	t.Fatal("the body is not to be found")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func salvager(t *testing.T, fs vfs.FS, rows, jobs *sink) *relay.Salvager {
	t.Helper()
	target := func(cursor string, s *sink) relay.Target {
		r, err := relay.New(relay.Options{
			Cursor: cursor, Source: open(t), Sink: s.Sink, SetAside: s.SetAside, Log: slog.New(slog.DiscardHandler),
			Refused: func(err error) bool { return errors.Is(err, errPoison) },
		})
		must(t, err)
		return relay.Target{Relay: r}
	}
	return &relay.Salvager{
		Folders: func() ([]*spool.Damaged, error) { return spool.DamagedFolders(fs, "/spool") },
		Targets: []relay.Target{target("rows", rows), target("jobs", jobs)}, Log: slog.New(slog.DiscardHandler),
	}
}

// work runs a salvager until ok, or until the test's patience ends.
func work(t *testing.T, s *relay.Salvager, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for !ok() && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Error("it does not come to an end")
	}
	cancel()
	must(t, <-done)
}

func reportOf(t *testing.T, fs vfs.FS) spool.Report {
	t.Helper()
	all, err := spool.DamagedFolders(fs, "/spool")
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("%d damaged folders", len(all))
	}
	return all[0].Report()
}

func bodies(from, to int, without ...int) (all []string) {
	for i := from; i <= to; i++ {
		if !slices.Contains(without, i) {
			all = append(all, fmt.Sprint("record ", i))
		}
	}
	return all
}

// Each reader is given what it had not done with, once, and what is missing is
// counted. A reader that is out holds nobody up, and a restart in the middle loses
// nothing. What was done is not done again.
func TestADamagedSpoolIsRelayedByItself(t *testing.T) {
	t.Parallel()
	fs := damaged(t)
	rows, jobs := &sink{outage: 1 << 30}, &sink{}
	work(t, salvager(t, fs, rows, jobs), func() bool {
		f := reportOf(t, fs).Found
		return f != nil && f.Readers["jobs"].Done != nil
	})
	if want := bodies(2991, 3000); !slices.Equal(jobs.took, want) {
		t.Errorf("jobs took %q, want %q", jobs.took, want)
	}
	if r := reportOf(t, fs); r.Done() || r.Found.Readers["rows"].Owed != 1999 || r.Found.Readers["rows"].Missing != 1 || r.Found.Readers["jobs"].Missing != 0 {
		t.Errorf("%+v", r.Found)
	}

	rows.outage = 3 // it comes back, and serve is restarted after the first batch
	stopped := false
	rows.onBatch = func() { stopped = true }
	work(t, salvager(t, fs, rows, &sink{}), func() bool { rows.mu.Lock(); defer rows.mu.Unlock(); return stopped })
	rows.mu.Lock()
	rows.onBatch = nil
	rows.mu.Unlock()
	again := &sink{}
	work(t, salvager(t, fs, rows, again), func() bool { return reportOf(t, fs).Done() })
	took := slices.Compact(slices.Sorted(slices.Values(rows.took)))
	if want := slices.Sorted(slices.Values(bodies(1001, 3000, 2500))); !slices.Equal(took, want) {
		t.Errorf("rows took %d, want %d", len(took), len(want))
	}
	if len(again.took) > 0 {
		t.Errorf("jobs were given %d again", len(again.took))
	}
	idle := &sink{}
	for range 2 {
		work(t, salvager(t, fs, idle, idle), func() bool { time.Sleep(50 * time.Millisecond); return true })
	}
	if len(idle.took) > 0 {
		t.Errorf("%d were relayed after all was done", len(idle.took))
	}
	if r := reportOf(t, fs).Found.Readers["rows"]; r.Relayed != 1999 || r.Missing != 1 {
		t.Errorf("%+v", r)
	}
}

// Poison in a damaged spool is set aside as ever.
func TestPoisonInADamagedSpoolIsSetAside(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	sp, err := spool.Open(spool.Options{FS: fs})
	must(t, err)
	for _, body := range []string{"one", "poison", "lost", "two"} {
		_, err := sp.Append(t.Context(), spool.Record{Body: []byte(body)})
		must(t, err)
	}
	must(t, sp.Close())
	spoil(t, fs, "lost")
	sp, err = spool.Open(spool.Options{FS: fs, PutAside: true})
	must(t, err)
	must(t, sp.Close())
	rows, jobs := &sink{}, &sink{}
	work(t, salvager(t, fs, rows, jobs), func() bool { return reportOf(t, fs).Done() })
	for _, s := range []*sink{rows, jobs} {
		if !slices.Equal(s.took, []string{"one", "two"}) || !slices.Equal(s.aside, []string{"poison"}) {
			t.Errorf("took %q, set aside %q", s.took, s.aside)
		}
	}
}

// By hand all is sent again that was received since a time, whatever the cursors
// say, and nothing is noted.
func TestResendGivesAllSinceATime(t *testing.T) {
	t.Parallel()
	fs := damaged(t)
	all, err := spool.DamagedFolders(fs, "/spool")
	must(t, err)
	salvage, err := all[0].Salvage()
	must(t, err)
	survey, err := salvage.Survey(t.Context())
	must(t, err)
	rows, jobs := &sink{}, &sink{}
	s := salvager(t, fs, rows, jobs)
	var sent uint64
	must(t, relay.Resend(t.Context(), salvage, survey, time.Time{}, s.Targets, func(n uint64) { sent = n }))
	want := slices.Sorted(slices.Values(bodies(1, 3000, 2500)))
	if sent != 2999 || !slices.Equal(slices.Sorted(slices.Values(rows.took)), want) || !slices.Equal(slices.Sorted(slices.Values(jobs.took)), want) {
		t.Errorf("sent %d, %d and %d", sent, len(rows.took), len(jobs.took))
	}
	must(t, relay.Resend(t.Context(), salvage, survey, time.Now().Add(time.Hour), s.Targets, func(uint64) { t.Error("sent what was received before") }))
	if reportOf(t, fs).Found != nil {
		t.Error("it was noted")
	}
}
