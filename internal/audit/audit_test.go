package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/audit"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// clock is set by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

func (c *clock) set(t time.Time) { c.mu.Lock(); defer c.mu.Unlock(); c.t = t }

// memory is in memory; one of nil remembers nothing.
type memory struct {
	mu   sync.Mutex
	m    audit.Remembered
	down error
}

func (m *memory) Recall() (audit.Remembered, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.m, m.down
}

func (m *memory) Remember(_ context.Context, change func(*audit.Remembered)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down == nil {
		change(&m.m)
	}
	return m.down
}

func open(t *testing.T, dir string, c *clock) *audit.Trail {
	t.Helper()
	return remembering(t, dir, c, nil)
}

// remembering is a trail of an installation, as after a restart.
func remembering(t *testing.T, dir string, c *clock, m *memory) *audit.Trail {
	t.Helper()
	o := audit.Options{Dir: dir, Now: c.now}
	if m != nil {
		o.Memory, o.Installation = m, "this-one"
	}
	trail, err := audit.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return trail
}

func log(t *testing.T, trail *audit.Trail, target string) {
	t.Helper()
	if err := trail.Log(t.Context(), audit.Entry{Actor: "anna", Action: "call.make", Integration: "main", Target: target, Outcome: audit.Done}); err != nil {
		t.Fatal(err)
	}
}

// table and bucket are in memory; the real ones are tested where they live.
type table struct {
	rows []audit.Row
	down error
}

func (t *table) AuditHead(_ context.Context, writer string) (head audit.Row, ok bool, _ error) {
	for _, r := range t.rows {
		if r.Writer == writer && r.Seq >= head.Seq {
			head, ok = r, true
		}
	}
	return head, ok, t.down
}

func (t *table) InsertAudit(_ context.Context, rows []audit.Row) error {
	if t.down != nil {
		return t.down
	}
	for _, r := range rows {
		if !slices.ContainsFunc(t.rows, func(have audit.Row) bool { return have.Hash == r.Hash && have.Seq == r.Seq }) {
			t.rows = append(t.rows, r)
		}
	}
	return nil
}

func (t *table) EachAudit(_ context.Context, each func(audit.Row) error) error {
	rows := slices.Clone(t.rows)
	slices.SortFunc(rows, func(a, b audit.Row) int {
		return strings.Compare(fmt.Sprintf("%s %9d %s", a.Writer, a.Seq, a.Hash), fmt.Sprintf("%s %9d %s", b.Writer, b.Seq, b.Hash))
	})
	for _, r := range rows {
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

type bucket map[string][]byte

// sound is whether nothing was found and everything is proven.
func sound(r audit.Report) bool { return r.Verdict() == audit.Whole }

func (b bucket) PutAnchor(_ context.Context, key string, body []byte) error {
	if b[key] != nil {
		return errors.New("taken")
	}
	b[key] = body
	return nil
}

func (b bucket) Anchor(_ context.Context, key string) ([]byte, error) {
	if b[key] == nil {
		return nil, audit.ErrNoAnchor
	}
	return b[key], nil
}

func (b bucket) AnchorKeys(_ context.Context, prefix string) (keys []string, _ error) {
	for k := range b {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

func ship(t *testing.T, trail *audit.Trail, tab *table, b bucket) *audit.Shipper {
	t.Helper()
	s, err := trail.NewShipper(audit.ShipperOptions{Table: tab, Anchors: b})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Ship(t.Context()), s.Anchor(t.Context())); err != nil {
		t.Fatal(err)
	}
	return s
}

// threeDays is a chain of six entries on three days, shipped and anchored on
// the fourth.
func threeDays(t *testing.T) (dir string, trail *audit.Trail, tab *table, b bucket, c *clock) {
	t.Helper()
	dir, tab, b, c = filepath.Join(t.TempDir(), "audit"), &table{}, bucket{}, &clock{t: noon}
	trail = open(t, dir, c)
	for day := range 3 {
		for i := range 2 {
			c.set(noon.Add(time.Duration(24*day+i) * time.Hour))
			log(t, trail, fmt.Sprintf("entry %d", 2*day+i+1))
		}
	}
	c.set(noon.Add(72 * time.Hour))
	ship(t, trail, tab, b)
	return dir, trail, tab, b, c
}

func verify(t *testing.T, trail *audit.Trail, tab *table, b bucket) audit.Report {
	t.Helper()
	r, err := trail.Verify(t.Context(), tab, b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAChainIsWholeInFileTableAndBucket(t *testing.T) {
	t.Parallel()
	_, trail, tab, b, c := threeDays(t)
	log(t, trail, "today")
	r := verify(t, trail, tab, b)
	if !sound(r) || len(r.Chains) != 1 {
		t.Fatalf("%+v", r)
	}
	if got := r.Chains[0]; got.Entries != 7 || got.Anchors != 3 || got.Waiting != 1 || !got.Here || !got.First.Equal(noon) || !got.Last.Equal(c.now()) {
		t.Errorf("%+v", got)
	}
}

func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	lines := func(f func([][]byte) [][]byte) func(string, *table, bucket) {
		return func(dir string, _ *table, _ bucket) {
			path := filepath.Join(dir, "chain.jsonl")
			raw, _ := os.ReadFile(path)
			os.WriteFile(path, bytes.Join(f(bytes.SplitAfter(raw, []byte("\n"))), nil), 0o600)
		}
	}
	anchor := func(b bucket, day string) string {
		keys, _ := b.AnchorKeys(t.Context(), "audit/")
		return keys[slices.IndexFunc(keys, func(k string) bool { return strings.HasSuffix(k, day+".json") })]
	}
	for name, c := range map[string]struct {
		tamper func(dir string, tab *table, b bucket)
		want   string
	}{
		"a word of the file": {lines(func(l [][]byte) [][]byte {
			l[2] = bytes.Replace(l[2], []byte("entry 3"), []byte("entry X"), 1)
			return l
		}), "entry 3 in the file was altered"},
		"a line taken out":        {lines(func(l [][]byte) [][]byte { return slices.Delete(l, 2, 3) }), "entries 3 to 3 are missing in the file"},
		"a line twice":            {lines(func(l [][]byte) [][]byte { return slices.Insert(l, 2, l[1]) }), "entry 2 in the file is there twice"},
		"lines in another order":  {lines(func(l [][]byte) [][]byte { l[2], l[3] = l[3], l[2]; return l }), "missing in the file"},
		"no JSON":                 {lines(func(l [][]byte) [][]byte { l[4] = []byte("x\n"); return l }), "line 5 of the file cannot be read"},
		"the end cut off":         {lines(func(l [][]byte) [][]byte { return l[:4] }), "entries 5 to 6 are missing at the end of the file"},
		"the file taken away":     {func(dir string, tab *table, _ bucket) { os.RemoveAll(dir); tab.rows = nil }, "there are anchors of it, and no entries"},
		"a word of the table":     {func(_ string, tab *table, _ bucket) { tab.rows[3].Target = "another" }, "entry 4 in the table was altered"},
		"a row of the table gone": {func(_ string, tab *table, _ bucket) { tab.rows = slices.Delete(tab.rows, 1, 2) }, "entries 2 to 2 are missing in the table"},
		"a row beside the true": {func(_ string, tab *table, _ bucket) {
			r := tab.rows[1]
			r.Hash = strings.Repeat("f", len(r.Hash)) // no entry's, and the last of the two
			tab.rows = append(tab.rows, r)
		}, "entry 2 in the table was altered"},
		"an anchor of another day": {func(_ string, _ *table, b bucket) { b[anchor(b, "2026-03-02")] = b[anchor(b, "2026-03-03")] }, "the anchor of 2026-03-02 cannot be read"},
		"another hash anchored": {func(_ string, _ *table, b bucket) {
			k := anchor(b, "2026-03-03")
			b[k] = bytes.Replace(b[k], []byte(`"hash": "`), []byte(`"hash": "0`), 1)
		}, "the anchor of 2026-03-03 holds another hash of entry 4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, trail, tab, b, _ := threeDays(t)
			c.tamper(dir, tab, b)
			r := verify(t, trail, tab, b)
			if said := fmt.Sprintf("%+v", r); sound(r) || !strings.Contains(said, c.want) {
				t.Errorf("want %q in %s", c.want, said)
			}
		})
	}
}

// Whoever rewrites the whole chain, hashes and table included, still cannot
// reach the anchors.
func TestARewrittenHistoryIsFoundByItsAnchors(t *testing.T) {
	t.Parallel()
	_, _, tab, b, _ := threeDays(t)
	forged, c := filepath.Join(t.TempDir(), "audit"), &clock{t: noon}
	other := open(t, forged, c)
	for i, r := range tab.rows {
		c.set(r.At)
		log(t, other, fmt.Sprintf("harmless %d", i))
	}
	mine := &table{}
	ship(t, other, mine, bucket{})
	own := mine.rows[0].Writer
	stolen := bucket{}
	for k, v := range b { // as if it had the true chain's name
		stolen[strings.Replace(k, tab.rows[0].Writer, own, 1)] = bytes.Replace(v, []byte(tab.rows[0].Writer), []byte(own), 1)
	}
	if r := verify(t, other, mine, stolen); len(r.Chains) != 1 || len(r.Chains[0].Problems) != 3 {
		t.Errorf("%+v", r)
	}
}

func TestACrashAtAnyByteCostsTheUnansweredEntryOnly(t *testing.T) {
	t.Parallel()
	dir, c := filepath.Join(t.TempDir(), "audit"), &clock{t: noon}
	trail := open(t, dir, c)
	log(t, trail, "first")
	path := filepath.Join(dir, "chain.jsonl")
	before, _ := os.ReadFile(path)
	log(t, trail, "second")
	whole, _ := os.ReadFile(path)
	for n := len(before); n < len(whole); n++ {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		log(t, open(t, dir, c), "third")
		if r := verify(t, trail, &table{}, nil); !sound(r) || r.Chains[0].Entries != 2 {
			t.Fatalf("cut after %d bytes: %+v", n, r)
		}
	}
}

func TestADamagedEndIsNotBuiltUpon(t *testing.T) {
	t.Parallel()
	dir, c := filepath.Join(t.TempDir(), "audit"), &clock{t: noon}
	trail := open(t, dir, c)
	log(t, trail, "first")
	os.WriteFile(filepath.Join(dir, "chain.jsonl"), []byte("rubbish\n"), 0o600)
	if err := trail.Log(t.Context(), audit.Entry{Action: "call.make"}); !errors.Is(err, audit.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestAClockThatGoesBackDoesNotBreakTheChain(t *testing.T) {
	t.Parallel()
	c := &clock{t: noon}
	trail := open(t, filepath.Join(t.TempDir(), "audit"), c)
	log(t, trail, "first")
	c.set(noon.Add(-time.Hour))
	log(t, trail, "second")
	if r := verify(t, trail, &table{}, nil); !sound(r) || !r.Chains[0].Last.Equal(noon) {
		t.Errorf("%+v", r)
	}
}

// Processes of one data folder: the test binary again.
func TestProcessesWriteOneChain(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("AUDIT_TEST_DIR"); dir != "" {
		for i := range 50 {
			log(t, open(t, dir, &clock{t: noon}), fmt.Sprint(os.Getpid(), i))
		}
		return
	}
	dir := filepath.Join(t.TempDir(), "audit")
	var g errgroup.Group
	for range 3 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestProcessesWriteOneChain$")
		cmd.Env = append(os.Environ(), "AUDIT_TEST_DIR="+dir)
		g.Go(cmd.Run)
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, open(t, dir, &clock{t: noon}), &table{}, nil); !sound(r) || r.Chains[0].Entries != 150 {
		t.Errorf("%+v", r)
	}
}

func TestEntriesWaitForTheTable(t *testing.T) {
	t.Parallel()
	c, tab := &clock{t: noon}, &table{down: errors.New("away")}
	trail := open(t, filepath.Join(t.TempDir(), "audit"), c)
	log(t, trail, "first")
	s, err := trail.NewShipper(audit.ShipperOptions{Table: tab})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Ship(t.Context()); err == nil {
			t.Fatal("shipped to a table that is away")
		}
		log(t, trail, "more")
	}
	tab.down = nil
	if err := s.Ship(t.Context()); err != nil || len(tab.rows) != 3 {
		t.Fatalf("%d rows, %v", len(tab.rows), err)
	}
	log(t, trail, "after a restart")
	ship(t, trail, tab, bucket{})
	if r := verify(t, trail, tab, nil); !sound(r) || r.Chains[0].Waiting != 0 || len(tab.rows) != 4 {
		t.Errorf("%+v", r)
	}
}

// A data folder that was restored from a backup writes entries under numbers
// that the table has already: both are kept, and the fork is reported.
func TestAForkKeepsBothSides(t *testing.T) {
	t.Parallel()
	dir, trail, tab, b, c := threeDays(t)
	path := filepath.Join(dir, "chain.jsonl")
	whole, _ := os.ReadFile(path)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	os.WriteFile(path, bytes.Join(lines[:4], nil), 0o600)
	c.set(noon.Add(73 * time.Hour))
	log(t, trail, "after the restore")
	ship(t, trail, tab, b)
	if len(tab.rows) != 7 {
		t.Errorf("%d rows in the table, want 6 and 1", len(tab.rows))
	}
	if r := verify(t, trail, tab, b); sound(r) || !strings.Contains(fmt.Sprint(r), "is there twice") {
		t.Errorf("%+v", r)
	}
}

func TestAnchorsAreNotWrittenTwiceAfterARestart(t *testing.T) {
	t.Parallel()
	_, trail, tab, b, c := threeDays(t)
	log(t, trail, "fourth day")
	c.set(noon.Add(96 * time.Hour))
	ship(t, trail, tab, b)
	if len(b) != 4 {
		t.Errorf("%d anchors", len(b))
	}
}
