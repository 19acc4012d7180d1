package bucket_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// newPairs are the pairs of an empty bucket of a real store.
func newPairs(t *testing.T) bucket.Pairs {
	t.Helper()
	addr, key, secret := embeddedtest.S3(t)
	b, err := blob.Open(blob.Options{URL: "s3://" + key + ":" + secret + "@" + addr + "/b-" + strings.ToLower(rand.Text()[:16]) + "?secure=false"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.EnsureBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	return bucket.Pairs{Store: b, Open: func(ctx context.Context, key string) (io.ReadCloser, error) {
		r, _, err := b.Get(ctx, key)
		return r, err
	}}
}

func sidecarOf(format audio.Format, body string) bucket.Sidecar {
	rec := call.Recording{Integration: "main", ID: strings.Repeat("0a", 16), URL: "https://mtt.ru/2026/03/02/a"}
	sum := sha256.Sum256([]byte(body))
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	return bucket.Sidecar{
		Schema: bucket.SidecarSchema, Recording: rec, Key: bucket.Key(rec, format), Format: string(format), SHA256: hex.EncodeToString(sum[:]), Size: int64(len(body)),
		Attempt: 1, FetchedAt: at, StoredAt: at,
	}
}

func put(t *testing.T, p bucket.Pairs, key, body string) {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	if err := p.Store.Put(t.Context(), key, strings.NewReader(body), blob.Put{Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:])}); err != nil {
		t.Fatal(err)
	}
}

// holdings are those of a folder, and the keys that are of no recording.
func holdings(t *testing.T, p bucket.Pairs, folder string, before time.Time) (all []bucket.Holdings, unknown []string) {
	t.Helper()
	err := p.Each(t.Context(), folder, before, func(hs []bucket.Holdings) error { all = append(all, hs...); return nil }, func(o blob.Object) { unknown = append(unknown, o.Key) })
	if err != nil {
		t.Fatal(err)
	}
	return all, unknown
}

// What is there stands: neither a file nor its sidecar is overwritten.
func TestAPairIsStoredOnce(t *testing.T) {
	t.Parallel()
	p, s := newPairs(t), sidecarOf(audio.MP3, "audio")
	stem := bucket.Stem(s.Recording)
	if _, err := p.First(t.Context(), stem); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("of nothing the first is: %v", err)
	}
	if err := p.Put(t.Context(), s, strings.NewReader("audio")); err != nil {
		t.Fatal(err)
	}
	if first, err := p.First(t.Context(), stem); err != nil || first.Key != s.Key {
		t.Errorf("without a sidecar the first is %s, %v", first.Key, err)
	}
	if err := p.Put(t.Context(), s, strings.NewReader("audio")); !errors.Is(err, blob.ErrExists) {
		t.Errorf("stored twice: %v", err)
	}
	later := s
	later.Attempt = 2
	for _, side := range []bucket.Sidecar{s, later} {
		stored, at, err := p.PutSidecar(t.Context(), side)
		if err != nil || at != bucket.SidecarKey(s.Key) || stored.Attempt != 1 {
			t.Errorf("try %d: try %d at %s, %v", side.Attempt, stored.Attempt, at, err)
		}
	}
	first, err := p.First(t.Context(), stem)
	if err != nil || first.Key != s.Key {
		t.Errorf("the first is %s, %v", first.Key, err)
	}
	first.SHA256 = "" // as of a store that does not know it
	if first, err = p.WithDigest(t.Context(), first); err != nil || first.SHA256 != s.SHA256 {
		t.Errorf("the digest is %s, %v", first.SHA256, err)
	}
	if side, err := p.SidecarOf(t.Context(), first); err != nil || side.Row("").SHA256 != s.SHA256 {
		t.Errorf("the sidecar is %+v, %v", side, err)
	}
	if err := p.ShareLock(t.Context(), stem); err != nil {
		t.Error(err)
	}
}

// Of two first files of different formats each has its sidecar, and all who look find
// it.
func TestTwoFirstFilesHaveTheirSidecars(t *testing.T) {
	t.Parallel()
	p, mp3, wav := newPairs(t), sidecarOf(audio.MP3, "mp3"), sidecarOf(audio.WAV, "a wav")
	for _, s := range []bucket.Sidecar{wav, mp3} { // the wav's sidecar is first
		if err := p.Put(t.Context(), s, strings.NewReader(map[string]string{"mp3": "mp3", "wav": "a wav"}[s.Format])); err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.PutSidecar(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	places := map[string]string{wav.Key: bucket.SidecarKey(wav.Key), mp3.Key: bucket.BesideSidecarKey(mp3.Key, mp3.SHA256)}
	for _, s := range []bucket.Sidecar{wav, mp3} {
		object, err := p.Store.Stat(t.Context(), s.Key)
		if err != nil {
			t.Fatal(err)
		}
		if side, err := p.SidecarOf(t.Context(), object); err != nil || side.Key != s.Key {
			t.Errorf("%s has the sidecar of %s, %v", s.Key, side.Key, err)
		}
	}
	if first, err := p.First(t.Context(), bucket.Stem(mp3.Recording)); err != nil || first.Key != wav.Key {
		t.Errorf("the first is %s, %v", first.Key, err)
	}
	all, unknown := holdings(t, p, bucket.Recordings, time.Time{})
	if len(all) != 1 || len(unknown) > 0 || len(all[0].Files) != 2 || len(all[0].Paired()) != 2 || all[0].Paired()[0].Key != wav.Key || all[0].Damaged() {
		t.Fatalf("%+v, %v", all, unknown)
	}
	for key, want := range places {
		if at := all[0].SidecarKey(key); at != want {
			t.Errorf("the sidecar of %s is at %s, want %s", key, at, want)
		}
	}
	if n := all[0].Others([]bucket.Sidecar{wav, mp3}, wav.SHA256); n != 1 {
		t.Errorf("%d others", n)
	}
	other := sidecarOf(audio.Ogg, "third")
	if _, at, err := p.PutSidecar(t.Context(), other); err != nil || at != bucket.BesideSidecarKey(other.Key, other.SHA256) {
		t.Errorf("a third is at %s, %v", at, err)
	}
}

func TestWhatIsNoSidecarIsToldApart(t *testing.T) {
	t.Parallel()
	p, s := newPairs(t), sidecarOf(audio.MP3, "audio")
	at := bucket.SidecarKey(s.Key)
	if _, err := p.SidecarAt(t.Context(), at); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("of nothing: %v", err)
	}
	put(t, p, at, "{}")
	_, err := p.SidecarAt(t.Context(), at)
	if m, ok := errors.AsType[*bucket.MalformedError](err); !ok || m.At != at || !strings.Contains(err.Error(), at) || m.Err == nil {
		t.Errorf("of something else: %v", err)
	}
	if _, _, err := p.PutSidecar(t.Context(), s); err == nil {
		t.Error("its place is taken, and it was put")
	}
	doc, _, err := s.Document()
	if err != nil {
		t.Fatal(err)
	}
	p.Open = func(context.Context, string) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(doc[:20]), iotest.ErrReader(io.ErrClosedPipe))), nil
	}
	_, err = p.SidecarAt(t.Context(), at)
	if _, ok := errors.AsType[*bucket.MalformedError](err); ok || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("of what cannot be read: %v", err)
	}
	if _, n, err := p.Digest(t.Context(), at); n != 20 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestAListingIsGivenByRecordings(t *testing.T) {
	t.Parallel()
	p, s := newPairs(t), sidecarOf(audio.MP3, "audio")
	stem := bucket.Stem(s.Recording)
	damaged := bucket.QuarantineKey(s.Recording, s.SHA256, audio.MP3)
	for _, key := range []string{s.Key, stem + ".txt", stem + ".0123456789abcdef.wav", bucket.Recordings + "notes.txt", damaged, bucket.SidecarKey(damaged)} {
		put(t, p, key, "x")
	}
	all, unknown := holdings(t, p, bucket.Recordings, time.Time{})
	if len(all) != 1 || all[0].ID != s.Recording.ID || all[0].Stem != stem || len(all[0].Files) != 2 || len(all[0].Unknown) != 1 || len(all[0].Paired()) != 0 || all[0].Name() != s.Key {
		t.Errorf("%+v", all)
	}
	if n := all[0].Others(nil, s.SHA256); n != 1 {
		t.Errorf("%d others", n)
	}
	if diff := cmp.Diff([]string{bucket.Recordings + "notes.txt"}, unknown); diff != "" {
		t.Error(diff)
	}
	kept, _ := holdings(t, p, bucket.Quarantine, time.Time{})
	if len(kept) != 1 || kept[0].ID != s.Recording.ID || !kept[0].Damaged() || len(kept[0].Paired()) != 1 {
		t.Errorf("%+v", kept)
	}
	if young, _ := holdings(t, p, bucket.Recordings, time.Now().Add(-time.Hour)); len(young) != 0 {
		t.Errorf("younger than an hour: %+v", young)
	}
	files, err := p.Files(t.Context(), stem)
	if err != nil || len(files) != 2 || !slices.IsSortedFunc(files, func(a, b blob.Object) int { return len(a.Key) - len(b.Key) }) {
		t.Errorf("%+v, %v", files, err)
	}
	stop := errors.New("stop")
	if err := p.Each(t.Context(), bucket.Recordings, time.Time{}, func([]bucket.Holdings) error { return stop }, func(blob.Object) {}); !errors.Is(err, stop) {
		t.Errorf("a batch that fails: %v", err)
	}
}

func TestLocksAreTheSameInRowAndStore(t *testing.T) {
	t.Parallel()
	l := call.Lock{Mode: "GOVERNANCE", Until: time.Date(2029, 3, 2, 0, 0, 0, 0, time.UTC)}
	if stored := bucket.StoreLock(l); stored.Mode != blob.Governance || bucket.RowLock(stored) != l {
		t.Errorf("%+v", stored)
	}
}
