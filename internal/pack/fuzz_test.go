package pack_test

import (
	"bytes"
	"strings"
	"testing"

	"fonoteka/internal/pack"
)

// What stands in a package may be anything: none of it makes a reader panic.
func FuzzDocuments(f *testing.F) {
	c := pack.Chain{Integration: "main", RecordingID: "r1"}
	line, err := pack.Line(c.Add(at, "stored", 1, "", "detail", strings.Repeat("5", 32)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte(`{"kind":"statement","integration":"main","recording_id":"r1","entry":{"hash":""}}` + "\n"))
	f.Add([]byte(`{"integration":"main","call_id":"1","started_at":"2026-03-02T10:00:00.000Z","recordings":[]}` + "\n"))
	f.Add([]byte("\ufeffintegration;call_id;recording_id;asked;started_at;state;code;reason;next_try_at;days_left\r\nmain;1;;;;x;;;;\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = pack.EachCustody(bytes.NewReader(b), func(c pack.Custody) error {
			if len(c.Steps) > 0 && c.Head != c.Steps[len(c.Steps)-1].Hash {
				t.Error("the head is another step's hash")
			}
			return nil
		})
		_ = pack.EachLine(bytes.NewReader(b), func(pack.Call) error { return nil })
		_ = pack.EachLine(bytes.NewReader(b), func(pack.Leg) error { return nil })
		_ = pack.EachLine(bytes.NewReader(b), func(pack.Event) error { return nil })
		_ = pack.EachFile(bytes.NewReader(b), func(pack.File) error { return nil })
		_ = pack.EachMissing(bytes.NewReader(b), func(pack.Missing) error { return nil })
		_, _, _ = pack.ReadProof(b, [32]byte{}, pack.Query{})
		_, _ = pack.ReadEntry(b)
	})
}
