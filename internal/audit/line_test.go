package audit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/audit"
)

// chainWithAllVersions has three lines of each version. It never changes: if this
// fails after a change of encoding/json, the encoder must be written out here.
const chainWithAllVersions = "testdata/chain.jsonl"

// oddities are entries whose encoding has something special.
var oddities = []audit.Entry{
	{Actor: "anna", Action: "call.make", Integration: "main", Target: "79***77", Outcome: audit.Begun, Detail: "action 1"},
	{Actor: "anna", Action: "call.make", Integration: "main", Target: "79***77", Outcome: audit.Done, Detail: "action 1"},
	{Actor: "Анна \"die\" <b>&amp;</b> \u2028\u2029\u0000\b\f\n\r\t\u001f\u007f\\/é\U0001F600", Action: "recording.listen", Target: "0123", Outcome: audit.Done},
}

func TestLinesOfAllVersionsVerify(t *testing.T) {
	t.Parallel()
	kept, err := os.ReadFile(chainWithAllVersions)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(kept, []byte("\n"))
	seen := map[uint8]int{}
	for i, line := range lines[:len(lines)-1] {
		row, ok, err := audit.Decode(bytes.TrimSuffix(line, []byte("\n")))
		if !ok || err != nil || row.Hash != audit.Sum(row) {
			t.Errorf("line %d: %+v, %v", i+1, row, err)
		}
		if diff := cmp.Diff(oddities[i%3], row.Entry); diff != "" {
			t.Errorf("line %d: %s", i+1, diff)
		}
		seen[row.Version]++
	}
	if diff := cmp.Diff(map[uint8]int{0: 3, 1: 3}, seen); diff != "" {
		t.Error(diff)
	}

	// A chain that an earlier version began goes on.
	dir, c := filepath.Join(t.TempDir(), "audit"), &clock{t: noon.Add(time.Hour)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "chain.jsonl"), bytes.Join(lines[:3], nil), 0o600); err != nil {
		t.Fatal(err)
	}
	trail, tab, b := remembering(t, dir, c, &memory{}), &table{}, bucket{}
	log(t, trail, "a line of today")
	ship(t, trail, tab, b)
	if r := verify(t, trail, tab, b); !sound(r) || r.Chains[0].Entries != 4 || tab.rows[2].Version != 0 || tab.rows[3].Version != 1 {
		t.Errorf("%+v", r)
	}
}

// What decodes without a complaint is its encoding, byte for byte, and nothing
// makes the decoder panic.
func FuzzLine(f *testing.F) {
	kept, err := os.ReadFile(chainWithAllVersions)
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(kept) {
		f.Add(bytes.TrimSuffix(line, []byte("\n")))
	}
	for _, s := range []string{
		`{}`, `null`, `{"v":1}`, `{"v":1,"V":0}`, `{"seq":1e0}`, `{"at":"9999-12-31T23:59:59-23:59"}`, `{"at":"0000-01-01T00:00:00+23:59"}`,
		`{"v":1,"writer":"w","seq":1,"at":"2026-03-02T12:00:00Z","actor":"\ud800","action":"","outcome":"","prev":"","hash":""}`,
		`{"v":1,"writer":"w","seq":1,"at":"2026-03-02T12:00:00Z","actor":"","action":"","outcome":"","prev":"","hash":""}`,
		`{"Entry":{"actor":"x"}}`, `[`, "\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		row, ok, err := audit.Decode(line)
		if err != nil {
			_ = audit.Sum(row)
			return
		}
		again, err := audit.Encode(row)
		if !ok || err != nil || !bytes.Equal(again, line) {
			t.Fatalf("%q became %q, %v", line, again, err)
		}
		if twice, _, err := audit.Decode(again); err != nil || twice != row {
			t.Fatalf("%q gave %+v, then %+v", line, row, twice)
		}
		if len(audit.Sum(row)) != 64 {
			t.Fatalf("%q has no hash", line)
		}
	})
}
