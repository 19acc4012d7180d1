package spool_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"fonoteka/internal/spool"
)

// damage flips a bit in the middle of the newest log of a spool in memory.
func damageLog(t *testing.T, fs vfs.FS) {
	t.Helper()
	names, err := fs.List("spool")
	must(t, err)
	newest := ""
	for _, name := range names {
		if strings.HasSuffix(name, ".log") && name > newest {
			newest = name
		}
	}
	path := fs.PathJoin("spool", newest)
	data := slurp(t, fs, path)
	data[len(data)/2] ^= 1
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	must(t, err)
	_, err = f.Write(data)
	must(t, errors.Join(err, f.Sync(), f.Close()))
	folder, err := fs.OpenDir("spool")
	must(t, err)
	must(t, errors.Join(folder.Sync(), folder.Close()))
}

// salvaged is what can be read in the folders put aside, by the bodies.
func salvaged(t *testing.T, fs vfs.FS, dir string) (recs []spool.Record) {
	t.Helper()
	folders, err := spool.DamagedFolders(fs, dir)
	must(t, err)
	for _, d := range folders {
		s, err := d.Salvage()
		must(t, err)
		survey, err := s.Survey(t.Context())
		must(t, err)
		must(t, s.Records(t.Context(), survey, 0, func(batch []spool.Record) error {
			recs = append(recs, batch...)
			return nil
		}))
	}
	return recs
}

func TestReceiveTimeDoesNotGoBackBehindADamagedSpool(t *testing.T) {
	t.Parallel()
	for _, restarts := range []int{0, 2} {
		fs := vfs.NewMem()
		now := noon
		o := spool.Options{FS: fs, PutAside: true, Now: func() time.Time { return now }}
		s := open(t, o)
		for i := range 10 {
			now = noon.Add(time.Duration(i) * time.Hour)
			mustAppend(t, s, fmt.Sprint("body ", i+1))
		}
		mustClose(t, s)
		damageLog(t, fs)
		now = noon.Add(-24 * time.Hour) // the clock has gone back
		s = open(t, o)
		for range restarts { // before anything was taken in
			mustClose(t, s)
			s = open(t, o)
		}
		mustAppend(t, s, "new")
		recs := readAll(t, s)
		if newest := noon.Add(9 * time.Hour); len(recs) != 1 || recs[0].ReceivedAt.Before(newest) {
			t.Errorf("%d restarts: %d records, received %v, want %v at least", restarts, len(recs), recs[0].ReceivedAt, newest)
		}
		if old := salvaged(t, fs, "/spool"); len(old) != 9 || !old[0].ReceivedAt.Equal(noon) {
			t.Errorf("%d records of the old one", len(old))
		}
	}
}

// Power fails at each operation of the start that puts a damaged spool aside:
// what was readable is still there afterwards, in the old folder or the new one.
func TestP1PuttingAsideSurvivesPowerLoss(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	fs := vfs.NewCrashableMem()
	s := open(t, spool.Options{FS: fs, Cursors: []string{"c"}})
	for i := range 40 {
		mustAppend(t, s, fmt.Sprint("body ", i))
	}
	mustClose(t, s)
	damageLog(t, fs)
	var clones []*vfs.MemFS
	at := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && len(clones) < 200 {
			for _, percent := range []int{0, 50, 100} {
				clones = append(clones, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng}))
			}
		}
		return nil
	})
	s, err := spool.Open(spool.Options{FS: errorfs.Wrap(fs, at), PutAside: true})
	must(t, err)
	during := clones
	mustClose(t, s)
	for i, clone := range during {
		after := open(t, spool.Options{FS: clone, PutAside: true})
		mustAppend(t, after, "new")
		bodies := map[string]bool{}
		for _, rec := range append(salvaged(t, clone, "/spool"), readAll(t, after)...) {
			bodies[string(rec.Body)] = true
		}
		if len(bodies) != 39+1 {
			t.Fatalf("%d bodies after power failed at point %d of %d", len(bodies), i, len(during))
		}
		mustClose(t, after)
	}
	if len(during) < 60 {
		t.Errorf("only %d points", len(during))
	}
}

// A spool is damaged again and again within one second; each folder stays.
func TestSeveralDamagedSpools(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	o := spool.Options{FS: fs, PutAside: true, Now: func() time.Time { return noon }}
	for round := range 3 {
		s := open(t, o)
		for i := range 10 {
			mustAppend(t, s, fmt.Sprint(round, " ", i))
		}
		mustClose(t, s)
		damageLog(t, fs)
	}
	mustClose(t, open(t, o))
	folders, err := spool.DamagedFolders(fs, "/spool")
	must(t, err)
	names := []string{}
	for _, d := range folders {
		names = append(names, d.Name())
		if r := d.Report(); !r.Since.Equal(noon) || r.Why == "" || r.Found != nil || r.Acknowledged != nil || r.Done() {
			t.Errorf("%+v", r)
		}
	}
	if got := strings.Join(names, " "); got != "spool.damaged-20260301T120000Z spool.damaged-20260301T120000Z-2 spool.damaged-20260301T120000Z-3" {
		t.Errorf("folders %s", got)
	}
	if recs := salvaged(t, fs, "/spool"); len(recs) != 27 {
		t.Errorf("%d records of 27", len(recs))
	}
}

// A log whose end was not written as a whole is opened; how much is left out is
// said and counted.
func TestADiscardedTailIsCounted(t *testing.T) {
	t.Parallel()
	dir := imaged(t)
	rewrite(t, named(t, dir, logFile), func(b []byte) []byte { return append(b, b[:300]...) })
	reg := prometheus.NewPedanticRegistry()
	s := open(t, spool.Options{Dir: dir, ReserveBytes: 1, PutAside: true, Registerer: reg})
	if len(readAll(t, s)) != imageRecords {
		t.Error("records are gone")
	}
	if got, err := testutil.GatherAndCount(reg, "fonoteka_spool_discarded_tail_bytes_total"); err != nil || got != 1 {
		t.Errorf("%d, %v", got, err)
	}
	families, err := reg.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() == "fonoteka_spool_discarded_tail_bytes_total" && f.GetMetric()[0].GetCounter().GetValue() != 300 {
			t.Errorf("%v bytes discarded, want 300", f.GetMetric()[0].GetCounter().GetValue())
		}
	}
}
