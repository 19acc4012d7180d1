package pack_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/pack"
)

var at = time.Date(2026, 3, 2, 10, 0, 0, 123_000_000, time.UTC)

func chainOf(t *testing.T) []pack.Step {
	t.Helper()
	c := pack.Chain{Integration: "main", RecordingID: "r1"}
	steps := []pack.Step{
		c.Add(at, "announced", 0, "", "", ""),
		c.Add(at.Add(time.Second), "stored", 1, strings.Repeat("a", 64), "recordings/x.mp3", strings.Repeat("5", 32)),
		c.Add(at.Add(time.Hour), "checked", 1, strings.Repeat("a", 64), "", ""),
	}
	if c.Len() != 3 || c.Head() != steps[2].Hash {
		t.Errorf("the head of %d is %s", c.Len(), c.Head())
	}
	return steps
}

func text(t *testing.T, steps []pack.Step) string {
	t.Helper()
	var b strings.Builder
	for _, s := range steps {
		line, err := pack.Line(s)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(line)
	}
	return b.String()
}

func read(s string) (all []pack.Custody, err error) {
	err = pack.EachCustody(strings.NewReader(s), func(c pack.Custody) error { all = append(all, c); return nil })
	return all, err
}

func TestAChainHolds(t *testing.T) {
	t.Parallel()
	steps := chainOf(t)
	all, err := read(text(t, steps))
	if err != nil || len(all) != 1 || all[0].Head != steps[2].Hash || len(all[0].Steps) != 3 {
		t.Errorf("%+v, %v", all, err)
	}
	// What a step is hashed from never changes.
	if want := "8d6a8059e40d1017adbc92f238d08718d98c3d68833530207e78de72dc5dc494"; steps[2].Hash != want {
		t.Errorf("hash %s, want %s", steps[2].Hash, want)
	}
}

// A detail that has to be erased leaves the chain whole; one that is changed does not.
func TestADetailIsErasedWithItsSalt(t *testing.T) {
	t.Parallel()
	steps := chainOf(t)
	steps[1].Salt, steps[1].Detail = "", ""
	if all, err := read(text(t, steps)); err != nil || all[0].Head != steps[2].Hash {
		t.Errorf("erased: %v", err)
	}
	for name, spoil := range map[string]func(*pack.Step){
		"another detail":       func(s *pack.Step) { s.Detail = "elsewhere" },
		"another salt":         func(s *pack.Step) { s.Salt = strings.Repeat("6", 32) },
		"the salt gone":        func(s *pack.Step) { s.Salt = "" },
		"the detail gone":      func(s *pack.Step) { s.Detail = "" },
		"the commitment gone":  func(s *pack.Step) { s.Commitment = "" },
		"a commitment forged":  func(s *pack.Step) { s.Commitment = strings.Repeat("0", 64) },
		"another time":         func(s *pack.Step) { s.At = pack.At(at) },
		"another digest":       func(s *pack.Step) { s.SHA256 = strings.Repeat("b", 64) },
		"another recording":    func(s *pack.Step) { s.RecordingID = "r0" },
		"another integration":  func(s *pack.Step) { s.Integration = "a" },
		"another version":      func(s *pack.Step) { s.Version = 2 },
		"another number":       func(s *pack.Step) { s.N = 3 },
		"another predecessor":  func(s *pack.Step) { s.Prev = "" },
		"another hash":         func(s *pack.Step) { s.Hash = strings.Repeat("0", 64) },
		"a detail out of none": func(s *pack.Step) { s.Commitment, s.Salt, s.Detail = "", "", "x" },
	} {
		steps := chainOf(t)
		spoil(&steps[1])
		if _, err := read(text(t, steps)); !errors.Is(err, pack.ErrLine) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestStepsThatWereTakenOutOrMovedAreFound(t *testing.T) {
	t.Parallel()
	steps := chainOf(t)
	for name, s := range map[string][]pack.Step{
		"the first gone": steps[1:], "the middle gone": {steps[0], steps[2]}, "twice": {steps[0], steps[0]}, "turned round": {steps[1], steps[0]},
	} {
		if _, err := read(text(t, s)); !errors.Is(err, pack.ErrLine) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if all, err := read(text(t, steps[:2])); err != nil || all[0].Head == steps[2].Hash {
		t.Errorf("the last one gone shows in the head alone: %v", err)
	}
}

// What a real audit writes is what ReadEntry accepts.
func TestEntriesOfARealAudit(t *testing.T) {
	t.Parallel()
	line := auditLine(t, audit.Entry{Actor: "anna <a&b>", Action: pack.BeginAction, Target: "case", Outcome: audit.Begun, Detail: "x"})
	e, err := pack.ReadEntry(line)
	if err != nil || e.Actor != "anna <a&b>" || e.Seq != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	for name, bad := range map[string][]byte{
		"another actor": bytes.Replace(line, []byte("anna"), []byte("ivan"), 1), "cut": line[:len(line)-1], "no hash": []byte(`{"v":1}`), "two hashes": append([]byte(`{"hash":"x",`), line[1:]...),
	} {
		if _, err := pack.ReadEntry(bad); !errors.Is(err, pack.ErrEntry) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestAProofNamesItsQuery(t *testing.T) {
	t.Parallel()
	q := pack.Query{Schema: pack.Schema, Salt: pack.NewSalt(), FixedAt: pack.At(at), Case: "case", Counts: pack.Counts{Calls: 3, Recordings: 2}}
	digest := sha256.Sum256([]byte("query"))
	line := auditLine(t, audit.Entry{Actor: "anna", Action: pack.BeginAction, Target: "case", Outcome: audit.Begun, Detail: pack.BeginDetail(digest, q.Counts)})
	var e audit.Row
	if err := json.Unmarshal(line, &e); err != nil {
		t.Fatal(err)
	}
	anchor := `{"schema":"fonoteka.audit-anchor/1","writer":"` + e.Writer + `","day":"2026-03-01","seq":1,"at":"2026-03-01T10:00:00Z","hash":"` + strings.Repeat("0", 64) + `"}`
	proof := func(anchor string) []byte {
		doc, err := pack.Document(pack.Proof{Schema: pack.ProofSchema, Begin: line, Anchor: json.RawMessage(anchor)})
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	for _, a := range []string{"null", anchor} {
		if _, got, err := pack.ReadProof(proof(a), digest, q); err != nil || (got == nil) != (a == "null") {
			t.Errorf("%s: %v", a, err)
		}
	}
	if _, _, err := pack.ReadProof(proof(strings.Replace(anchor, e.Writer, "X", 1)), digest, q); err == nil {
		t.Error("the anchor of another audit was taken")
	}
	if _, _, err := pack.ReadProof(proof("null"), sha256.Sum256(nil), q); err == nil {
		t.Error("another query was taken")
	}
	q.Counts.Calls++
	if _, _, err := pack.ReadProof(proof("null"), digest, q); err == nil {
		t.Error("other counts were taken")
	}
}

func TestCellsThatCompute(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w, err := pack.NewFiles(&b)
	if err != nil {
		t.Fatal(err)
	}
	want := pack.File{
		Integration: "main", RecordingID: "abc", CallID: 1<<64 - 1, AccountID: "=1+1", Role: pack.Played, Path: "data/recordings/2026/03/abc.mp3", Code: "-x", Reason: "'; \"quoted\"", Format: "mp3",
		Bytes: 5, SHA256: strings.Repeat("0", 64), AnnouncedAt: pack.At(at), Steps: 2, Head: "@x",
	}
	if err := w.Write(want.Cells()); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, cell := range []string{"'=1+1", "'-x", "'@x", "''; ", "\r\n", "\ufeffintegration;"} {
		if !strings.Contains(b.String(), cell) {
			t.Errorf("%q lacks %q", b.String(), cell)
		}
	}
	err = pack.EachFile(&b, func(got pack.File) error {
		if got != want {
			t.Errorf("read back %+v, want %+v", got, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPlacesOfRecordings(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("ab", 32)
	moscow := time.FixedZone("", 3*3600)
	for want, got := range map[string]string{
		"data/recordings/2026/02/id.mp3":                  pack.SoundPath(time.Date(2026, 3, 1, 1, 0, 0, 0, moscow), "id", digest, "mp3", true, false),
		"data/recordings/2026/03/id.abababababababab.wav": pack.SoundPath(at, "id", digest, "wav", false, false),
		"data/quarantine/2026/03/id.mp3":                  pack.SoundPath(at, "id", digest, "mp3", true, true),
	} {
		if got != want || !pack.IsSound(got) || !pack.IsPart(got) || pack.Compressible(got) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, bad := range []string{"data/recordings/x.mp3", "data/recordings/2026/03/../x.mp3", "data/x/2026/03/id.mp3", "data/recordings/2026/03/Имя.mp3"} {
		if pack.IsSound(bad) {
			t.Errorf("%s passes for a recording", bad)
		}
	}
}

// Each field of a line stands in its schema, and each field of the schema in the line.
func TestSchemasSayWhatTheLinesHold(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{"calls": pack.Call{}, "legs": pack.Leg{}, "events": pack.Event{BodyBase64: []byte("x")}} {
		var schema struct {
			Properties map[string]json.RawMessage `json:"properties"`
		}
		if err := json.Unmarshal(pack.SchemaText("metadata/"+name+".schema.json"), &schema); err != nil {
			t.Fatal(err)
		}
		compareFields(t, name, schema.Properties, v)
	}
	var custody struct {
		OneOf []struct {
			Properties map[string]json.RawMessage `json:"properties"`
		} `json:"oneOf"`
	}
	if err := json.Unmarshal(pack.SchemaText("metadata/custody.schema.json"), &custody); err != nil {
		t.Fatal(err)
	}
	compareFields(t, "step", custody.OneOf[0].Properties, pack.Step{Salt: "x", Detail: "x"})
	compareFields(t, "statement", custody.OneOf[1].Properties, pack.Statement{Entry: []byte("{}")})
}

func compareFields(t *testing.T, name string, properties map[string]json.RawMessage, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	for f := range fields {
		if properties[f] == nil {
			t.Errorf("%s: the schema lacks %s", name, f)
		}
	}
	for f := range properties {
		if fields[f] == nil {
			t.Errorf("%s: the line has no %s", name, f)
		}
	}
}

func auditLine(t *testing.T, e audit.Entry) []byte {
	t.Helper()
	dir := t.TempDir()
	trail, err := audit.Open(audit.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := trail.Log(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(fileOf(t, dir))
}

func fileOf(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "chain.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
