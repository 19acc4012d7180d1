package fixity_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"fonoteka/internal/blob"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/fixity"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// swept is a place for positions that tells of the first one after a sweep.
type swept struct {
	*memory
	done context.CancelFunc
}

func (s swept) SetProgress(_ context.Context, _, place string) error {
	if !strings.Contains(place, `"swept":"0001-`) {
		s.done()
	}
	return nil
}

func TestOldUploadsUnderOurNamesAreEnded(t *testing.T) {
	t.Parallel()
	addr, key, secret := embeddedtest.S3(t)
	b, err := blob.Open(blob.Options{URL: "s3://" + key + ":" + secret + "@" + addr + "/t-" + strings.ToLower(rand.Text()[:16]) + "?secure=false"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.EnsureBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	client, err := minio.New(addr, &minio.Options{Creds: credentials.NewStaticV4(key, secret, "")})
	if err != nil {
		t.Fatal(err)
	}
	core := minio.Core{Client: client}
	stem := "recordings/main/2026/11/20/" + strings.Repeat("0a", 16)
	ours := []string{stem + ".0123456789abcdef.2.mp3", stem + ".json", stem + ".mp3"}
	others := []string{"backup/dump.tar", "recordings/main/2026/11/20/notes.mp3"}
	for _, name := range append(slices.Clone(ours), others...) {
		id, err := core.NewMultipartUpload(t.Context(), b.Name(), name, minio.PutObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := core.PutObjectPart(t.Context(), b.Name(), name, id, 1, bytes.NewReader([]byte("x")), 1, minio.PutObjectPartOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		age  time.Duration
		left []string
	}{
		{23 * time.Hour, append(slices.Clone(others), ours...)},
		{25 * time.Hour, others},
	} {
		m := newMemory()
		check, err := fixity.New(fixity.Options{
			Rows: m, Custody: m, Store: b, Bucket: b.Name(), Now: func() time.Time { return time.Now().Add(c.age) },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, done := context.WithTimeout(t.Context(), time.Minute)
		w, err := fixity.NewWorker(fixity.WorkerOptions{Checker: check, Positions: swept{m, done}, Uploads: b})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		done()
		var left []string
		if err := b.Leftovers(t.Context(), "", func(u blob.Upload) bool { left = append(left, u.Key); return true }); err != nil {
			t.Fatal(err)
		}
		slices.Sort(left)
		slices.Sort(c.left)
		if diff := cmp.Diff(c.left, left); diff != "" {
			t.Errorf("after %v (-want +got):\n%s", c.age, diff)
		}
	}
}
