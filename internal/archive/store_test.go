package archive_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
)

// A recording that an earlier version stored, and whose row was lost, gets its row
// from the sidecar of that version: its words are for people, and stand.
func TestASidecarOfAnEarlierFormStands(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	r := newRig(t, status(404))
	rec := r.recording("/2026/02/28/a.mp3")
	const words = "the recording plays for 1s, its call's talk took 1m0s as known when it was archived"
	doc := fmt.Appendf(nil, `{"schema":1,"recording":{"integration":"main","recording_id":%q,"url":%q,"call_id":"5","announced_at":"2026-03-01T12:00:00Z","expires_at":"2026-05-29T00:00:00Z"},
		"key":%q,"sha256":%q,"size":%d,"duration_ms":1152,"attempt":1,"fetched_at":"2026-03-01T12:00:00Z","stored_at":"2026-03-01T12:00:00Z","reason":%q}`,
		rec.ID, rec.URL, bucket.Key(rec, "mp3"), digest(mp3), len(mp3), words)
	for key, body := range map[string][]byte{bucket.Key(rec, "mp3"): mp3, bucket.SidecarKey(bucket.Key(rec, "mp3")): doc} {
		if err := r.bucket.Put(t.Context(), key, bytes.NewReader(body), blob.Put{Size: int64(len(body)), SHA256: digest(body)}); err != nil {
			t.Fatal(err)
		}
	}
	row := r.handle(t, rec, 1)
	if row.State != call.Archived || r.origin.Asked() != 0 || row.Note != words || row.Code() != call.CodeNoted || row.MismatchedTalk != 0 || row.Reason() != words {
		t.Errorf("row %+v, asked %d", row, r.origin.Asked())
	}
	if got := read(t, r.bucket, bucket.SidecarKey(bucket.Key(rec, "mp3"))); !strings.Contains(string(got), `"schema":1`) {
		t.Errorf("the sidecar is another now: %s", got)
	}
}
