package bucket_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
)

func FuzzReadSidecar(f *testing.F) {
	s := bucket.Sidecar{
		Schema:    bucket.SidecarSchema,
		Recording: call.Recording{Integration: "main", ID: strings.Repeat("a", 32), URL: "https://mtt.ru/records/1/2026/03/02/A.mp3", GroupID: 1 << 63, AnnouncedAt: time.Unix(1_780_000_000, 0).UTC()},
		Key:       "recordings/main/2026/03/02/" + strings.Repeat("a", 32) + ".mp3", SHA256: strings.Repeat("0", 64), Size: 5, DurationMS: 1000, Attempt: 1,
	}
	doc, _, err := s.Document()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(doc)
	s.Key, s.Note = bucket.Quarantine+"main/a/b.mp3", "damaged"
	if doc, _, err = s.Document(); err != nil {
		f.Fatal(err)
	}
	f.Add(doc)
	for _, s := range []string{`{}`, `{"schema":2}`, `{"schema":1,"recording":{"recording_id":"a","call_id":"-1"},"sha256":"x","key":"k"}`, ``, `[`, `{"recording":{"announced_at":"x"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		s, err := bucket.ReadSidecar(bytes.NewReader(doc))
		if err != nil {
			return
		}
		again, _, err := s.Document()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		same, err := bucket.ReadSidecar(bytes.NewReader(again))
		if diff := cmp.Diff(s, same); err != nil || diff != "" {
			t.Fatalf("written and read again: %v\n%s", err, diff)
		}
		row := s.Row("bucket")
		if row.ID == "" || row.Key == "" || row.SHA256 == "" {
			t.Fatalf("row %+v", row)
		}
		row.Version()
		_ = bucket.SidecarKey(s.Key)
		_ = bucket.BesideKey(s.Key, s.SHA256)
	})
}
