package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/audit"
)

// installation is a chain of six entries on three days, shipped, anchored and
// remembered on the fourth; each part of it may be attacked.
type installation struct {
	t     *testing.T
	dir   string
	trail *audit.Trail
	tab   *table
	b     bucket
	m     *memory
	c     *clock
}

func installed(t *testing.T) *installation {
	t.Helper()
	in := &installation{t: t, dir: filepath.Join(t.TempDir(), "audit"), tab: &table{}, b: bucket{}, m: &memory{}, c: &clock{t: noon}}
	in.trail = remembering(t, in.dir, in.c, in.m)
	for day := range 3 {
		for i := range 2 {
			in.c.set(noon.Add(time.Duration(24*day+i) * time.Hour))
			log(t, in.trail, fmt.Sprintf("entry %d", 2*day+i+1))
		}
	}
	in.c.set(noon.Add(72 * time.Hour))
	ship(t, in.trail, in.tab, in.b)
	return in
}

func (in *installation) file() string { return filepath.Join(in.dir, "chain.jsonl") }

func (in *installation) read() string {
	in.t.Helper()
	raw, err := os.ReadFile(in.file())
	if err != nil {
		in.t.Fatal(err)
	}
	return string(raw)
}

func (in *installation) write(s string) {
	in.t.Helper()
	if err := os.WriteFile(in.file(), []byte(s), 0o600); err != nil {
		in.t.Fatal(err)
	}
}

// edit changes the file's text, once.
func (in *installation) edit(old, with string) {
	in.t.Helper()
	before := in.read()
	after := strings.Replace(before, old, with, 1)
	if after == before {
		in.t.Fatalf("%q is not in the file", old)
	}
	in.write(after)
}

// cut leaves n entries in the file and in the table.
func (in *installation) cut(n int) {
	in.t.Helper()
	in.write(strings.Join(strings.SplitAfter(in.read(), "\n")[:n], ""))
	in.tab.rows = in.tab.rows[:n]
}

// rewrite gives the entries after the first n other words, with hashes that fit,
// in the file and in the table alike.
func (in *installation) rewrite(n int) {
	in.t.Helper()
	old, c := slices.Clone(in.tab.rows), &clock{}
	forger := &memory{m: audit.Remembered{Writer: old[0].Writer}} // keeps the chain's name
	in.cut(n)
	trail := remembering(in.t, in.dir, c, forger)
	for _, r := range old[n:] {
		c.set(r.At)
		log(in.t, trail, "harmless")
	}
	ship(in.t, trail, in.tab, bucket{})
}

// anchors are the keys of all, in order.
func (in *installation) anchors() []string {
	keys, _ := in.b.AnchorKeys(in.t.Context(), audit.AnchorPrefix)
	return keys
}

// after is what a serve that starts does.
func (in *installation) after() {
	in.t.Helper()
	in.trail = remembering(in.t, in.dir, in.c, in.m)
	ship(in.t, in.trail, in.tab, in.b)
}

func TestWhatIsAttackedIsFound(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]struct {
		do   func(in *installation)
		want string
	}{
		"file gone":    {func(in *installation) { os.RemoveAll(in.dir) }, "the file is gone or empty: it had 6 entries"},
		"file emptied": {func(in *installation) { in.write("") }, "the file is gone or empty: it had 6 entries"},
		"file gone, and the table's rows": {func(in *installation) {
			os.RemoveAll(in.dir)
			in.tab.rows = nil
		}, "the file is gone or empty: it had 6 entries"},
		"file and memory gone": {func(in *installation) {
			os.RemoveAll(in.dir)
			in.m.m = audit.Remembered{}
		}, "the bucket says that this installation has a chain"},
		"memory gone":      {func(in *installation) { in.m.m = audit.Remembered{} }, "remembered of its audit is gone"},
		"memory unopened":  {func(in *installation) { in.m.down = errors.New("sealed with another key") }, "sealed with another key"},
		"another key":      {func(in *installation) { in.edit(`"actor":`, `"note":"approved","actor":`) }, "line 1 of the file does not read as it was written"},
		"a key at the end": {func(in *installation) { in.edit(`"}`, `","note":"approved"}`) }, "line 1 of the file does not read as it was written"},
		"a key twice in another case": {
			func(in *installation) { in.edit(`"actor":"anna"`, `"ACTOR":"ivan","actor":"anna"`) },
			"line 1 of the file does not read as it was written",
		},
		"a key twice":         {func(in *installation) { in.edit(`"actor":"anna"`, `"actor":"ivan","actor":"anna"`) }, "does not read as it was written"},
		"a key in other case": {func(in *installation) { in.edit(`"actor":`, `"Actor":`) }, "does not read as it was written"},
		"keys in other order": {func(in *installation) {
			in.edit(`"actor":"anna","action":"call.make"`, `"action":"call.make","actor":"anna"`)
		}, "does not read as it was written"},
		"a space":              {func(in *installation) { in.edit(`"actor":`, `"actor": `) }, "does not read as it was written"},
		"a carriage return":    {func(in *installation) { in.edit("}\n", "}\r\n") }, "does not read as it was written"},
		"an escaped letter":    {func(in *installation) { in.edit(`"anna"`, `"\u0061nna"`) }, "does not read as it was written"},
		"the time spelt so":    {func(in *installation) { in.edit("12:00:00Z", "12:00:00.000Z") }, "does not read as it was written"},
		"an empty line":        {func(in *installation) { in.edit("}\n", "}\n\n") }, "line 2 of the file cannot be read"},
		"a key without value":  {func(in *installation) { in.edit(`"outcome"`, `"detail":"","outcome"`) }, "does not read as it was written"},
		"no version":           {func(in *installation) { in.edit(`{"v":1,`, `{`) }, "entry 1 in the file was altered"},
		"another version":      {func(in *installation) { in.edit(`{"v":1,`, `{"v":2,`) }, "line 1 of the file has a version that this program does not know"},
		"a line of a megabyte": {func(in *installation) { in.edit("}\n", "}\n"+strings.Repeat("x", 1<<20)+"\n") }, "line 2 of the file is longer than any entry"},
		"an old anchor gone":   {func(in *installation) { delete(in.b, in.anchors()[0]) }, "anchors that were put are gone from the bucket: 2026-03-02"},
		"an old anchor gone, and the memory": {func(in *installation) {
			delete(in.b, in.anchors()[0])
			in.m.m = audit.Remembered{}
		}, "anchors that were put are gone from the bucket: 2026-03-02"},
		"the newest anchor gone": {func(in *installation) { delete(in.b, in.anchors()[2]) }, "anchors that were put are gone from the bucket: 2026-03-04"},
		"the newest anchor gone, its day rewritten alike": {func(in *installation) {
			delete(in.b, in.anchors()[2])
			in.rewrite(4)
		}, "entry 6 in the file is not the one that was there"},
		"the same, and serve has run since": {func(in *installation) {
			delete(in.b, in.anchors()[2])
			in.rewrite(4)
			in.after()
		}, "entry 6 in the file is not the one that was there"},
		"the newest day cut off everywhere": {func(in *installation) {
			delete(in.b, in.anchors()[2])
			in.cut(4)
		}, "the file ends with entry 4, and had 6: it was cut off"},
		"the same, and the memory gone; the anchor stays": {func(in *installation) {
			in.m.m = audit.Remembered{}
			in.cut(4)
		}, "the anchor of 2026-03-04 has entry 6, which the chain has no more"},
		"all rewritten under its name": {func(in *installation) {
			clear(in.b)
			in.rewrite(0)
			in.after()
		}, "entry 6 in the file is not the one that was there"},
		"all rewritten under another name": {func(in *installation) {
			clear(in.b)
			os.RemoveAll(in.dir)
			in.tab.rows = nil
			log(in.t, open(in.t, in.dir, in.c), "harmless")
			in.after()
		}, "this is not the chain of this installation"},
		"another installation's chain in its place": {func(in *installation) {
			os.RemoveAll(in.dir)
			log(in.t, open(in.t, in.dir, in.c), "theirs")
		}, "this is not the chain of this installation"},
		"the same, and the memory gone": {func(in *installation) {
			os.RemoveAll(in.dir)
			log(in.t, open(in.t, in.dir, in.c), "theirs")
			in.m.m = audit.Remembered{}
		}, "the bucket says that the chain of this installation is"},
		"two chains in one file": {func(in *installation) {
			other := filepath.Join(in.t.TempDir(), "audit")
			log(in.t, open(in.t, other, in.c), "theirs")
			raw, _ := os.ReadFile(filepath.Join(other, "chain.jsonl"))
			in.write(in.read() + string(raw))
		}, "entry 1 in the file is of another chain"},
		"the bucket emptied": {func(in *installation) { clear(in.b) }, "anchors that were put are gone from the bucket: 2026-03-02, 2026-03-03, 2026-03-04"},
		"an anchor with another key": {func(in *installation) {
			k := in.anchors()[1]
			in.b[k] = bytes.Replace(in.b[k], []byte("{"), []byte(`{"note": "approved",`), 1)
		}, "the anchor of 2026-03-03 does not read as it was written"},
		"the installation's note forged": {func(in *installation) {
			in.b["installations/this-one/audit.json"] = []byte(`{"writer":"x"}`)
		}, "the bucket's note of which audit is this installation's cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := installed(t)
			if r := verify(t, in.trail, in.tab, in.b); !sound(r) {
				t.Fatalf("before the attack: %+v", r)
			}
			attack.do(in)
			r := verify(t, in.trail, in.tab, in.b)
			if said := fmt.Sprintf("%+v", r); r.Verdict() != audit.Found || !strings.Contains(said, attack.want) {
				t.Errorf("want %q in %s", attack.want, said)
			}
			// It is found again, however often serve starts, and also by serve.
			in.after()
			in.after()
			if r := verify(t, in.trail, in.tab, in.b); r.Verdict() != audit.Found && name != "memory gone" {
				t.Errorf("after serve has started again: %+v", r)
			}
		})
	}
}

// What is logged after the file was lost goes on where the chain ended, so that
// the loss shows for ever; and with the lost part back, all is well again.
func TestALostFileLeavesAGap(t *testing.T) {
	t.Parallel()
	in := installed(t)
	lost := in.read()
	os.RemoveAll(in.dir)
	log(t, in.trail, "entry 7")
	in.after()
	r := verify(t, in.trail, in.tab, in.b)
	if said := fmt.Sprint(r); r.Verdict() != audit.Found || !strings.Contains(said, "entries 1 to 6 are missing in the file") || len(r.Chains) != 1 || len(r.Chains[0].Problems) != 1 {
		t.Errorf("%s", said)
	}
	in.write(lost + in.read())
	in.after()
	if r := verify(t, in.trail, in.tab, in.b); !sound(r) || r.Chains[0].Entries != 7 {
		t.Errorf("with the lost part brought back: %+v", r)
	}
}

// A day has two days for its anchor.
func TestADayWaitsForItsAnchorAndThenIsMissed(t *testing.T) {
	t.Parallel()
	dir, tab, c, m := filepath.Join(t.TempDir(), "audit"), &table{}, &clock{t: noon}, &memory{}
	trail := remembering(t, dir, c, m)
	log(t, trail, "first")
	ship(t, trail, tab, bucket{})
	for after, want := range map[time.Duration]audit.Verdict{
		0: audit.Whole, 12 * time.Hour: audit.Whole, 59 * time.Hour: audit.Whole, 61 * time.Hour: audit.Found,
	} {
		c.set(noon.Add(after))
		r := verify(t, trail, tab, bucket{})
		if r.Verdict() != want || want == audit.Whole && !slices.Equal(r.Chains[0].Days, []string{"2026-03-02"}) {
			t.Errorf("after %v: %+v", after, r)
		}
	}
	// Without a bucket nothing is ever proven.
	c.set(noon.Add(61 * time.Hour))
	r, err := trail.Verify(t.Context(), tab, nil)
	if err != nil || r.Verdict() != audit.Found {
		t.Errorf("no bucket, and late: %+v, %v", r, err)
	}
	c.set(noon)
	if r, err = trail.Verify(t.Context(), tab, nil); err != nil || r.Verdict() != audit.Unanchored {
		t.Errorf("no bucket: %+v, %v", r, err)
	}
}

// The last day of a data folder that is no more was never anchored: nothing can
// be found there, and nothing is proven.
func TestTheEndOfAnotherFoldersChainIsNotProven(t *testing.T) {
	t.Parallel()
	in := installed(t)
	log(t, in.trail, "the last day")
	ship(t, in.trail, in.tab, in.b)
	in.c.set(noon.Add(500 * time.Hour))
	heir := remembering(t, filepath.Join(t.TempDir(), "audit"), in.c, &memory{})
	r, err := heir.Verify(t.Context(), in.tab, bucket{})
	if err != nil || r.Verdict() != audit.Unanchored {
		t.Errorf("%+v, %v", r, err)
	}
	delete(in.b, "installations/this-one/audit.json")
	if r, err = heir.Verify(t.Context(), in.tab, in.b); err != nil || r.Verdict() != audit.Unanchored || !strings.Contains(fmt.Sprint(r), "entries since 2026-03-05") {
		t.Errorf("%+v, %v", r, err)
	}
}

// A clock that went back leads into no day that has its anchor; one that was far
// ahead leaves entries that wait, and says so.
func TestNoClockReopensADay(t *testing.T) {
	t.Parallel()
	in := installed(t)
	for _, at := range []time.Time{noon.Add(-time.Hour), noon.Add(50 * time.Hour), noon.Add(72 * time.Hour)} {
		in.c.set(at)
		log(t, in.trail, "under a wrong clock")
		in.after()
	}
	in.c.set(noon.Add(96 * time.Hour))
	in.after()
	if r := verify(t, in.trail, in.tab, in.b); !sound(r) || r.Chains[0].Anchors != 4 {
		t.Errorf("%+v", r)
	}
	in.c.set(noon.AddDate(1, 0, 0))
	log(t, in.trail, "a year ahead")
	in.c.set(noon.Add(98 * time.Hour))
	in.after()
	if r := verify(t, in.trail, in.tab, in.b); r.Verdict() != audit.Unanchored || !strings.Contains(fmt.Sprint(r), "ahead of this machine's clock") {
		t.Errorf("%+v", r)
	}
}

// away is a bucket, or a table, that does not answer.
type away struct{}

var errAway = errors.New("no route to host")

func (away) Anchor(context.Context, string) ([]byte, error)         { return nil, errAway }
func (away) AnchorKeys(context.Context, string) ([]string, error)   { return nil, errAway }
func (away) PutAnchor(context.Context, string, []byte) error        { return errAway }
func (away) EachAudit(context.Context, func(audit.Row) error) error { return errAway }

// What cannot be asked is said, and hides nothing that the others say.
func TestAStoreThatCannotBeAskedIsNotTakenForGood(t *testing.T) {
	t.Parallel()
	in := installed(t)
	for name, ask := range map[string]func() (audit.Report, error){
		"bucket": func() (audit.Report, error) { return in.trail.Verify(t.Context(), in.tab, away{}) },
		"table":  func() (audit.Report, error) { return in.trail.Verify(t.Context(), away{}, in.b) },
	} {
		if r, err := ask(); err != nil || r.Verdict() != audit.Unasked || len(r.Unasked) != 1 || !strings.Contains(r.Unasked[0], name) {
			t.Errorf("no %s: %+v, %v", name, r, err)
		}
	}
	in.edit("entry 3", "entry X")
	for range 2 {
		if r, err := in.trail.Verify(t.Context(), away{}, away{}); err != nil || r.Verdict() != audit.Found || len(r.Unasked) != 2 {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// While serve runs, a file that is edited, cut off or replaced and an anchor that
// is deleted are told by its metrics.
func TestARunningServeTells(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		attack       func(in *installation)
		forked, gone float64
	}{
		"nothing":         {func(*installation) {}, 0, 0},
		"an anchor":       {func(in *installation) { delete(in.b, in.anchors()[1]) }, 0, 1},
		"all anchors":     {func(in *installation) { clear(in.b) }, 0, 3},
		"an anchor's end": {func(in *installation) { in.b[in.anchors()[1]] = []byte("{}") }, 1, 0},
		"an edited line":  {func(in *installation) { in.edit(`"actor":`, `"note":"x","actor":`) }, 1, 0},
		"the file":        {func(in *installation) { os.Remove(in.file()) }, 1, 0},
		"its end":         {func(in *installation) { in.cut(5) }, 1, 0},
		"all rewritten":   {func(in *installation) { in.rewrite(0) }, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := installed(t)
			tell, s := metered(t, in)
			c.attack(in)
			_ = s.Ship(t.Context())
			if err := s.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if forked, gone := tell("fonoteka_audit_forked"), tell("fonoteka_audit_anchors_gone"); forked != c.forked || gone != c.gone {
				t.Errorf("forked %v, gone %v", forked, gone)
			}
			if tell("fonoteka_audit_checked_timestamp_seconds") == 0 {
				t.Error("that it was checked is not told")
			}
		})
	}
}

// busy is a table that gets entries while it is asked.
type busy struct {
	*table
	meanwhile func()
}

func (b busy) EachAudit(ctx context.Context, each func(audit.Row) error) error {
	b.meanwhile()
	return b.table.EachAudit(ctx, each)
}

// What is logged, shipped and anchored while Verify looks is no finding.
func TestVerifyBesideARunningServe(t *testing.T) {
	t.Parallel()
	in := installed(t)
	s, err := in.trail.NewShipper(audit.ShipperOptions{Table: in.tab, Anchors: in.b})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r, err := in.trail.Verify(t.Context(), busy{in.tab, func() {
			log(t, in.trail, "meanwhile")
			in.c.set(in.c.now().Add(24 * time.Hour))
			if err := errors.Join(s.Ship(t.Context()), s.Anchor(t.Context())); err != nil {
				t.Fatal(err)
			}
		}}, in.b)
		if err != nil || !sound(r) {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// An action is logged also where nothing that is remembered can be read.
func TestAnEntryNeedsNoMemory(t *testing.T) {
	t.Parallel()
	in := installed(t)
	in.m.down = errors.New("sealed with another key")
	log(t, in.trail, "all the same")
	s, err := in.trail.NewShipper(audit.ShipperOptions{Table: in.tab, Anchors: in.b})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Ship(t.Context()), s.Anchor(t.Context())); err != nil || len(in.tab.rows) != 7 {
		t.Errorf("%d rows, %v", len(in.tab.rows), err)
	}
	in.m.down = nil
	in.after()
	if r := verify(t, in.trail, in.tab, in.b); !sound(r) {
		t.Errorf("%+v", r)
	}
}

// What was cut off is missed for ever, also when as many entries were logged since
// and serve has anchored them.
func TestNewEntriesDoNotCoverUpTheOldOnes(t *testing.T) {
	t.Parallel()
	in := installed(t)
	delete(in.b, in.anchors()[2])
	in.cut(4)
	for day := range 2 {
		for range 4 {
			log(t, in.trail, "after the attack")
		}
		in.c.set(noon.Add(time.Duration(96+24*day) * time.Hour))
		in.after()
	}
	if r := verify(t, in.trail, in.tab, in.b); r.Verdict() != audit.Found || !strings.Contains(fmt.Sprint(r), "entry 6 in the file is not the one that was there") {
		t.Errorf("%+v", r)
	}
}

// A file that was replaced under a running serve is read from its beginning.
func TestEntriesOfAReplacedFileAreShipped(t *testing.T) {
	t.Parallel()
	in := installed(t)
	tell, s := metered(t, in)
	if err := os.Remove(in.file()); err != nil {
		t.Fatal(err)
	}
	log(t, in.trail, "entry 7")
	for range 2 {
		if err := s.Ship(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(in.tab.rows) != 7 || in.tab.rows[6].Seq != 7 || tell("fonoteka_audit_forked") != 1 {
		t.Errorf("%d rows, the last %+v; forked %v", len(in.tab.rows), in.tab.rows[len(in.tab.rows)-1], tell("fonoteka_audit_forked"))
	}
}
