package installation

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/warehouse/warehousetest"
)

// A warehouse that holds nothing is suspicious beside what came from one that did, and
// only there: recordings are fetched before the first warehouse is up, too.
func TestAnEmptyWarehouseIsSuspiciousBesideWhatCameFromOne(t *testing.T) {
	t.Parallel()
	addr, key, secret := embeddedtest.S3(t)
	b, err := blob.Open(blob.Options{URL: "s3://" + key + ":" + secret + "@" + addr + "/emptied?secure=false", Own: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.EnsureBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	db := warehousetest.Open(t)
	past, later := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	expect := func(name string, relayed uint64, before time.Time, want ...string) {
		t.Helper()
		got, err := Emptied(t.Context(), db.Engine, b, relayed, before)
		if err != nil || (got == "") != (len(want) == 0) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		for _, words := range want {
			if !strings.Contains(got, words) {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
	expect("all is new", 0, later)
	expect("a spool that was relayed", 7, past, "7 notifications")
	body := []byte("a recording")
	sum := sha256.Sum256(body)
	put := blob.Put{Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:]), ContentType: "audio/mpeg"}
	if err := b.Put(t.Context(), "recordings/main/2026/03/02/a.mp3", bytes.NewReader(body), put); err != nil {
		t.Fatal(err)
	}
	expect("a bucket of before", 0, later, "the bucket emptied holds recordings")
	expect("a bucket of this spool, whose warehouse is still to come", 0, past)
	expect("both", 7, past, "7 notifications", "holds recordings")
	warehousetest.Ask(t, db, "INSERT INTO recordings (integration, recording_id) VALUES ('main', 'x')")
	expect("it is not empty", 7, later)
}
