package embedded_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"go.uber.org/goleak"

	"fonoteka/internal/embedded"
)

func startS3(t *testing.T, dir string) (*embedded.S3, *minio.Client) {
	t.Helper()
	began := time.Now()
	s, err := embedded.StartS3(t.Context(), embedded.S3Options{Dir: dir, AccessKey: "access", SecretKey: "secret-secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %v", time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s, s3Client(t, s.Addr(), "secret-secret")
}

func s3Client(t *testing.T, addr, secret string) *minio.Client {
	t.Helper()
	transport, err := minio.DefaultTransport(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := minio.New(addr, &minio.Options{
		Creds: credentials.NewStaticV4("access", secret, ""), Region: embedded.S3Region,
		Transport: transport, TrailingHeaders: true, MaxRetries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// put stores body under a declared digest.
func put(c *minio.Client, bucket, key string, body []byte, sum [32]byte) (minio.UploadInfo, error) {
	return c.PutObject(context.Background(), bucket, key, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{
		ContentType: "audio/mpeg", DisableMultipart: true, DisableContentSha256: true,
		UserMetadata: map[string]string{"x-amz-checksum-sha256": base64.StdEncoding.EncodeToString(sum[:])},
	})
}

func get(c *minio.Client, bucket, key string) ([]byte, error) {
	o, err := c.GetObject(context.Background(), bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	defer o.Close()
	return io.ReadAll(o)
}

func TestS3KeepsObjectsAcrossStopsAndKills(t *testing.T) {
	before := goleak.IgnoreCurrent()
	dir := t.TempDir()
	workDir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	s, c := startS3(t, dir)
	if err := c.MakeBucket(t.Context(), "archive", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("sound"), 60_000)
	const key = "recordings/main/2020/06/24/one.mp3"
	if _, err := put(c, "archive", key, body, sha256.Sum256(body)); err != nil {
		t.Fatal(err)
	}
	leftover := filepath.Join(dir, "objects", "archive", ".sgwtmp", "half-written")
	if err := os.MkdirAll(leftover, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, end := range []struct {
		name string
		f    func()
	}{
		{"stop", func() {
			began := time.Now()
			if err := s.Stop(context.Background()); err != nil {
				t.Errorf("stop: %v", err)
			}
			t.Logf("stopped in %v", time.Since(began).Round(time.Millisecond))
		}},
		{"kill", func() {
			kill(t, s.Pid())
			<-s.Done()
			if s.Err() == nil {
				t.Error("a kill left no reason")
			}
		}},
	} {
		end.f()
		s, c = startS3(t, dir)
		got, err := get(c, "archive", key)
		if err != nil {
			t.Fatalf("get after %s: %v", end.name, err)
		}
		if !bytes.Equal(got, body) {
			t.Errorf("after %s: %d bytes differ from the %d put", end.name, len(got), len(body))
		}
	}
	if _, err := os.Stat(leftover); !os.IsNotExist(err) {
		t.Errorf("a crash's leftover is still there (%v)", err)
	}
	if err := c.RemoveObject(t.Context(), "archive", key, minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := get(c, "archive", key); minio.ToErrorResponse(err).Code != "NoSuchKey" {
		t.Errorf("get after the deletion: %v", err)
	}
	if now, _ := os.Getwd(); now != workDir {
		t.Errorf("the working directory moved to %s", now)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Errorf("stop: %v", err)
	}
	goleak.VerifyNone(t, before)
}

func TestS3RefusesABodyThatIsNotItsDigest(t *testing.T) {
	t.Parallel()
	_, c := startS3(t, t.TempDir())
	if err := c.MakeBucket(t.Context(), "archive", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := put(c, "archive", "a.mp3", []byte("one"), sha256.Sum256([]byte("other")))
	if err == nil {
		t.Fatal("a wrong digest was accepted")
	}
	t.Log(err)
	if _, err := get(c, "archive", "a.mp3"); minio.ToErrorResponse(err).Code != "NoSuchKey" {
		t.Errorf("something is stored: %v", err)
	}
	if _, err := put(c, "archive", "a.mp3", []byte("one"), sha256.Sum256([]byte("one"))); err != nil {
		t.Errorf("a right digest: %v", err)
	}
}

func TestS3RefusesAWrongSecret(t *testing.T) {
	t.Parallel()
	s, _ := startS3(t, t.TempDir())
	c := s3Client(t, s.Addr(), "wrong")
	if _, err := c.ListBuckets(t.Context()); minio.ToErrorResponse(err).Code != "SignatureDoesNotMatch" {
		t.Errorf("listing with a wrong secret: %v", err)
	}
}

// The retention runs out first: a hold that only counted while there is a
// retention would be none.
func TestS3HoldsWhatIsUnderLegalHold(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, c := startS3(t, t.TempDir())
	if err := c.MakeBucket(ctx, "locked", minio.MakeBucketOptions{ObjectLocking: true}); err != nil {
		t.Fatal(err)
	}
	putRetained := func(key string, hold minio.LegalHoldStatus) (version string) {
		t.Helper()
		info, err := c.PutObject(ctx, "locked", key, strings.NewReader("one"), 3, minio.PutObjectOptions{
			Mode: minio.Governance, RetainUntilDate: time.Now().Add(2 * time.Second), LegalHold: hold, SendContentMd5: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		return info.VersionID
	}
	free, held := putRetained("free.mp3", minio.LegalHoldDisabled), putRetained("held.mp3", minio.LegalHoldEnabled)

	if err := c.RemoveObject(ctx, "locked", "free.mp3", minio.RemoveObjectOptions{VersionID: free}); err == nil {
		t.Fatal("an object was deleted before its retention ran out")
	}
	eventually(t, "the retention runs out", func() bool {
		return c.RemoveObject(ctx, "locked", "free.mp3", minio.RemoveObjectOptions{VersionID: free}) == nil
	})
	if err := c.RemoveObject(ctx, "locked", "held.mp3", minio.RemoveObjectOptions{VersionID: held}); err == nil {
		t.Error("DeleteObject took it away")
	}
	objects := make(chan minio.ObjectInfo, 1)
	objects <- minio.ObjectInfo{Key: "held.mp3", VersionID: held}
	close(objects)
	refused := 0
	for range c.RemoveObjects(ctx, "locked", objects, minio.RemoveObjectsOptions{}) {
		refused++
	}
	if refused != 1 {
		t.Error("DeleteObjects took it away")
	}
	if got, err := get(c, "locked", "held.mp3"); err != nil || string(got) != "one" {
		t.Errorf("held object: %q, %v", got, err)
	}

	lifted := minio.LegalHoldDisabled
	if err := c.PutObjectLegalHold(ctx, "locked", "held.mp3", minio.PutObjectLegalHoldOptions{Status: &lifted}); err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveObject(ctx, "locked", "held.mp3", minio.RemoveObjectOptions{VersionID: held}); err != nil {
		t.Errorf("once the hold is lifted: %v", err)
	}
	if _, err := get(c, "locked", "held.mp3"); minio.ToErrorResponse(err).Code != "NoSuchKey" {
		t.Errorf("get after the deletion: %v", err)
	}
}
