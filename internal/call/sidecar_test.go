package call_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
)

func TestASidecarIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	want := call.Sidecar{
		Schema: call.SidecarSchema, Key: "recordings/main/2026/11/20/x.mp3", SHA256: strings.Repeat("ab", 32), Size: 3,
		Recording:  call.Recording{Integration: "main", ID: "x", URL: "https://records.mtt.ru/x?a=1&b=2", GroupID: 1 << 63, AnnouncedAt: at, ExpiresAt: at.AddDate(0, 0, 90)},
		DurationMS: 1500, Attempt: 2, FetchedAt: at, StoredAt: at.Add(time.Second), Reason: "short",
	}
	doc, sum, err := want.Document()
	if err != nil {
		t.Fatal(err)
	}
	if hash := sha256.Sum256(doc); sum != hex.EncodeToString(hash[:]) || !bytes.HasSuffix(doc, []byte("}\n")) {
		t.Errorf("sha256 %s of:\n%s", sum, doc)
	}
	got, err := call.ReadSidecar(bytes.NewReader(doc))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
