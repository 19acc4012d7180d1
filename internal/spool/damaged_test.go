package spool_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"fonoteka/internal/spool"
)

// shown are the series of damage, without their help.
func shown(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	text, err := testutil.GatherAndFormat(reg, expfmt.TypeTextPlain, "fonoteka_spool_damage_unacknowledged", "fonoteka_spool_damage_records")
	must(t, err)
	var out []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			out = append(out, strings.TrimPrefix(strings.TrimSpace(line), "fonoteka_spool_damage_"))
		}
	}
	return strings.Join(out, "\n")
}

// From being put aside to being acknowledged, across restarts.
func TestADamagedSpoolIsShownUntilItIsAcknowledged(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	reg := prometheus.NewPedanticRegistry()
	o := spool.Options{FS: fs, PutAside: true, Cursors: []string{"a", "b"}, Now: func() time.Time { return noon }}
	s := open(t, o)
	for i := range 10 {
		mustAppend(t, s, fmt.Sprint("body ", i))
	}
	must(t, s.SetCursor("a", 10))
	must(t, s.SetCursor("b", 2))
	mustClose(t, s)
	damageLog(t, fs)
	o.Registerer = reg
	s = open(t, o)
	const folder = "spool.damaged-20260301T120000Z"
	if got := shown(t, reg); got != `unacknowledged{folder="`+folder+`"} 1` {
		t.Errorf("after it was put aside:\n%s", got)
	}
	the := func() *spool.Damaged {
		t.Helper()
		all, err := spool.DamagedFolders(fs, "/spool")
		must(t, err)
		if len(all) != 1 || all[0].Name() != folder || all[0].InUse {
			t.Fatalf("%v", all)
		}
		return all[0]
	}
	if err := the().Relayed("a", 1, noon); err == nil {
		t.Error("relayed what was not looked through")
	}
	for range 2 { // a second look, after a restart, says the same
		salvage, err := the().Salvage()
		must(t, err)
		survey, err := salvage.Survey(t.Context())
		must(t, err)
		must(t, the().Found(survey, []string{"a", "b"}, noon))
	}
	series := func(relayed, waiting int) string {
		return fmt.Sprintf(`records{cursor="a",folder=%[1]q,state="missing"} 0
records{cursor="a",folder=%[1]q,state="relayed"} 0
records{cursor="a",folder=%[1]q,state="waiting"} 0
records{cursor="b",folder=%[1]q,state="missing"} 1
records{cursor="b",folder=%[1]q,state="relayed"} %[2]d
records{cursor="b",folder=%[1]q,state="waiting"} %[3]d
unacknowledged{folder=%[1]q} 1`, folder, relayed, waiting)
	}
	if got := shown(t, reg); got != series(0, 7) {
		t.Errorf("after the look:\n%s", got)
	}
	must(t, the().Relayed("a", 0, noon))
	if the().Report().Done() {
		t.Error("done, though one reader is not")
	}
	must(t, the().Relayed("b", 7, noon))
	mustClose(t, s)
	o.Registerer = nil
	s = open(t, o)
	if r := the().Report(); !r.Done() || r.Acknowledged != nil || r.Found.Readers["b"].Relayed != 7 || r.Found.Readers["b"].From != 3 {
		t.Errorf("%+v", r)
	}
	mustClose(t, s)
	o.Registerer = reg
	s = open(t, o)
	if got := shown(t, reg); got != series(7, 0) {
		t.Errorf("after all was relayed:\n%s", got)
	}
	must(t, the().Acknowledge("olga", noon.Add(time.Hour)))
	if got := shown(t, reg); got != "" || the().Report().Acknowledged.By != "olga" {
		t.Errorf("after it was acknowledged:\n%s", got)
	}
	mustClose(t, s)
}

// Damage that is met in the spool in use is noted, too: again after it was
// acknowledged and is met after that.
func TestDamageInTheSpoolInUseIsShown(t *testing.T) {
	t.Parallel()
	dir := imaged(t)
	rewrite(t, named(t, dir, aTable), flipAt(0.4, 0))
	now := noon
	o := spool.Options{Dir: dir, ReserveBytes: 1, PutAside: true, Now: func() time.Time { return now }}
	for _, again := range []bool{false, true} {
		reg := prometheus.NewPedanticRegistry()
		o.Registerer = reg
		s := open(t, o)
		if got := shown(t, reg); got != "" {
			t.Errorf("%t: before it is met: %s", again, got)
		}
		damaged := 0
		for _, rec := range readAll(t, s) {
			if errors.Is(rec.Err, spool.ErrDamaged) {
				damaged++
			}
		}
		if damaged == 0 {
			t.Fatal("nothing is damaged")
		}
		mustClose(t, s)
		o.Registerer = reg
		s = open(t, o)
		if got := shown(t, reg); got != `unacknowledged{folder="spool"} 1` {
			t.Errorf("%t: after a restart: %s", again, got)
		}
		all, err := spool.DamagedFolders(nil, dir)
		must(t, err)
		if len(all) != 1 || !all[0].InUse || !all[0].Report().Done() || all[0].Report().Why == "" {
			t.Fatalf("%t: %v", again, all)
		}
		must(t, all[0].Acknowledge("olga", now))
		if got := shown(t, reg); got != "" {
			t.Errorf("%t: after it was acknowledged: %s", again, got)
		}
		mustClose(t, s)
		now = now.Add(time.Hour)
	}
}

// A damaged block fails each compaction that meets it, also the one that a start
// begins with: after a trim, which takes what is damaged and has no receive time.
func TestAStartIsNotStoppedByADamagedBlock(t *testing.T) {
	t.Parallel()
	fs, rng := vfs.NewMem(), rand.New(rand.NewPCG(1, 2))
	var first []byte
	for round := range uint64(6) {
		s, err := spool.Open(spool.Options{FS: fs, PutAside: true, Cursors: []string{"c"}})
		if err != nil {
			t.Fatalf("start %d: %v", round, err)
		}
		for i := range uint64(30) {
			body := numbered(30*round+i+1, rng)
			if first == nil {
				first = body
			}
			_, err := s.Append(t.Context(), spool.Record{Body: body})
			must(t, err)
		}
		readAll(t, s)
		must(t, s.SetCursor("c", 30*round+30))
		must(t, s.Trim(t.Context()))
		mustClose(t, s)
		if round == 1 && !flip(t, fs, first[:64]) {
			t.Fatal("the body is not to be found in any table")
		}
	}
}

// Notes that cannot be read hide nothing.
func TestUnreadableNotesHideNothing(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	s := open(t, spool.Options{FS: fs, PutAside: true, Now: func() time.Time { return noon }})
	mustAppend(t, s, "body")
	mustClose(t, s)
	damageLog(t, fs)
	mustClose(t, open(t, spool.Options{FS: fs, PutAside: true, Now: func() time.Time { return noon }}))
	const folder = "/spool.damaged-20260301T120000Z"
	for _, name := range []string{"damage.json", "salvage.json", "acknowledged.json"} {
		f, err := fs.Create(folder+"/"+name, vfs.WriteCategoryUnspecified)
		must(t, err)
		_, err = f.Write([]byte(`{"at":`))
		must(t, errors.Join(err, f.Close()))
	}
	all, err := spool.DamagedFolders(fs, "/spool")
	must(t, err)
	if r := all[0].Report(); r.Done() || r.Acknowledged != nil {
		t.Errorf("%+v", r)
	}
}
