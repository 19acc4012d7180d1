package bucket_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
)

func TestASidecarIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	want := bucket.Sidecar{
		Schema: bucket.SidecarSchema, Key: "recordings/main/2026/11/20/x.wav", Format: "wav", SHA256: strings.Repeat("ab", 32), Size: 3,
		Recording:  call.Recording{Integration: "main", ID: "x", URL: "https://records.mtt.ru/x?a=1&b=2", GroupID: 1 << 63, AnnouncedAt: at, ExpiresAt: at.AddDate(0, 0, 90)},
		DurationMS: 1500, Attempt: 2, FetchedAt: at, StoredAt: at.Add(time.Second),
		Failure: call.Failure{Code: call.CodeDamaged, Host: "h"}, Unmeasured: true, MismatchedTalkMS: 60_000, Note: "short",
	}
	doc, sum, err := want.Document()
	if err != nil {
		t.Fatal(err)
	}
	if hash := sha256.Sum256(doc); sum != hex.EncodeToString(hash[:]) || !bytes.HasSuffix(doc, []byte("}\n")) {
		t.Errorf("sha256 %s of:\n%s", sum, doc)
	}
	got, err := bucket.ReadSidecar(bytes.NewReader(doc))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

var update = flag.Bool("update", false, "write the newest form of sidecars anew")

// A sidecar lies beside its mp3 for years, locked: what was written in each form is
// read for ever, and the newest is written as it is here.
func TestSidecarsOfEveryFormAreRead(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	rec := call.Recording{
		Integration: "main", ID: "0123456789abcdef0123456789abcdef", URL: "https://records.mtt.ru/2026/11/20/x.mp3?a=1&b=2", GroupID: 1 << 63,
		PlatformCallID: "abc", PlatformID: "abc~1o", AccountID: "883140000000001", AnnouncedAt: at, ExpiresAt: at.AddDate(0, 0, 90),
	}
	whole := bucket.Sidecar{
		Schema: bucket.SidecarSchema, Recording: rec, Key: "recordings/main/2026/11/20/" + rec.ID + ".mp3", Format: "mp3", SHA256: strings.Repeat("ab", 32), Size: 2304,
		DurationMS: 1152, Attempt: 2, FetchedAt: at, StoredAt: at.Add(time.Second), Unmeasured: true, MismatchedTalkMS: 60_000,
		Lock: call.Lock{Mode: "COMPLIANCE", Until: at.AddDate(3, 0, 0)},
	}
	damaged := whole
	damaged.Key, damaged.DurationMS, damaged.StoredAt, damaged.Unmeasured, damaged.MismatchedTalkMS, damaged.Lock = bucket.Quarantine+"main/"+rec.ID+"/"+whole.SHA256+".mp3", 0, at, false, 0, call.Lock{}
	old := func(s bucket.Sidecar, words string) bucket.Sidecar { // words alone, for people
		s.Schema, s.Unmeasured, s.MismatchedTalkMS, s.Failure, s.Lock, s.Note = 1, false, 0, call.Failure{}, call.Lock{}, words
		return s
	}
	for name, want := range map[string]struct {
		side   bucket.Sidecar
		reason string // of its row
		code   call.Code
	}{
		"1-archived": {
			old(whole, "conflict: the operator's server gave different files for this recording; the first is kept here, 1 more beside it; the recording plays for 1s, its call's talk took 1m0s as known when it was archived"),
			"conflict: the operator's server gave different files for this recording; the first is kept here, 1 more beside it; the recording plays for 1s, its call's talk took 1m0s as known when it was archived", call.CodeNoted,
		},
		"1-quarantined": {
			old(damaged, "the file from the operator's server records.mtt.ru is damaged: there is something else amid the audio. What came is kept in quarantine, and the file is tried again"),
			"the file from the operator's server records.mtt.ru is damaged: there is something else amid the audio. What came is kept in quarantine, and the file is tried again", "",
		},
		"2-archived": {
			whole,
			"the operator's server did not say how long the file is, so that only its own frames show that it is whole; the recording plays for 1s, its call's talk took 1m0s as known when it was archived", call.CodeUnmeasured,
		},
		"2-quarantined": {
			withFailure(damaged, call.Failure{Code: call.CodeDamaged, Host: "records.mtt.ru", GotBytes: 2304}),
			"the file from the operator's server records.mtt.ru is damaged: there is something else amid the audio. What came is kept in quarantine, and the file is tried again", call.CodeDamaged,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("testdata", "sidecars", name+".json")
			if want.side.Schema == bucket.SidecarSchema {
				goldenSidecar(t, file, want.side)
			}
			doc, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := bucket.ReadSidecar(bytes.NewReader(doc))
			if diff := cmp.Diff(want.side, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			row := got.Row("b")
			if row.Reason() != want.reason || row.Code() != want.code {
				t.Errorf("%s: %s", row.Code(), row.Reason())
			}
			early, err := bucket.ReadSidecar(strings.NewReader(strings.Replace(string(doc), `"format": "mp3",`, "", 1)))
			if diff := cmp.Diff(got, early); err != nil || diff != "" {
				t.Errorf("without a format: %v (-want +got):\n%s", err, diff)
			}
			// Nothing hangs on the words: without them all else is the same.
			mute, err := bucket.ReadSidecar(strings.NewReader(strings.Replace(string(doc), want.reason, "x", 1)))
			mute.Note = got.Note
			if diff := cmp.Diff(got, mute); err != nil || diff != "" {
				t.Errorf("without words: %v (-want +got):\n%s", err, diff)
			}
		})
	}
	if _, err := bucket.ReadSidecar(strings.NewReader(`{"schema":3}`)); err == nil || !strings.Contains(err.Error(), "newer than this program") {
		t.Errorf("a newer form: %v", err)
	}
}

func withFailure(s bucket.Sidecar, f call.Failure) bucket.Sidecar {
	s.Failure = f
	return s
}

// goldenSidecar wants a sidecar to be written as it is in file.
func goldenSidecar(t *testing.T, file string, s bucket.Sidecar) {
	t.Helper()
	doc, _, err := s.Document()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, doc, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(file)
	if diff := cmp.Diff(string(golden), string(doc)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// Whoever finds one object of a recording finds all of them, whatever their formats.
func TestKeysOfOneRecordingHaveOneStem(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("0123456789abcdef", 4)
	for _, c := range []struct{ key, side, beside, besideSide string }{
		{"a/b.c/id.mp3", "a/b.c/id.json", "a/b.c/id.0123456789abcdef.mp3", "a/b.c/id.0123456789abcdef.json"},
		{"a/b.c/id.wav", "a/b.c/id.json", "a/b.c/id.0123456789abcdef.wav", "a/b.c/id.0123456789abcdef.json"},
		{"q/id/" + sum + ".ogg", "q/id/" + sum + ".json", "q/id/" + sum + ".0123456789abcdef.ogg", "q/id/" + sum + ".0123456789abcdef.json"},
	} {
		got := []string{bucket.SidecarKey(c.key), bucket.BesideKey(c.key, sum), bucket.BesideSidecarKey(c.key, sum), bucket.SidecarKey(bucket.BesideKey(c.key, sum))}
		if diff := cmp.Diff([]string{c.side, c.beside, c.besideSide, c.besideSide}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.key, diff)
		}
	}
}
