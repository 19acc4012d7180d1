package embedded_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

func TestAnUploadInPartsGoesOnAfterAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, c := startS3(t, dir)
	if err := c.MakeBucket(t.Context(), "archive", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	core := minio.Core{Client: c}
	id, err := core.NewMultipartUpload(t.Context(), "archive", "long.mp3", minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	part := bytes.Repeat([]byte("x"), 5<<20)
	var parts []minio.CompletePart
	upload := func(core minio.Core, n int) {
		t.Helper()
		p, err := core.PutObjectPart(t.Context(), "archive", "long.mp3", id, n, bytes.NewReader(part), int64(len(part)), minio.PutObjectPartOptions{})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, minio.CompletePart{PartNumber: n, ETag: p.ETag})
	}
	upload(core, 1)
	// An older one, whose client is long gone.
	abandoned, err := core.NewMultipartUpload(t.Context(), "archive", "abandoned.mp3", minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "objects", "archive", ".sgwtmp", "multipart", "*", abandoned))
	if err != nil || len(old) != 1 {
		t.Fatalf("the upload's folder: %v, %v", old, err)
	}
	if err := os.Chtimes(old[0], time.Time{}, time.Now().Add(-25*time.Hour)); err != nil {
		t.Fatal(err)
	}

	kill(t, s.Pid())
	<-s.Done()
	_, c = startS3(t, dir)
	core = minio.Core{Client: c}
	upload(core, 2)
	if _, err := core.CompleteMultipartUpload(t.Context(), "archive", "long.mp3", id, parts, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err := get(c, "archive", "long.mp3"); err != nil || len(got) != 2*len(part) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := os.Stat(old[0]); !os.IsNotExist(err) {
		t.Errorf("the abandoned upload is still there (%v)", err)
	}
}

// Where the file system keeps no extended attributes, a folder takes their
// place; one that exists is kept to, wherever the installation is moved.
func TestS3KeepsMetadataInAFolderWhereItBeganSo(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "metadata"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, c := startS3(t, dir)
	if err := c.MakeBucket(ctx, "locked", minio.MakeBucketOptions{ObjectLocking: true}); err != nil {
		t.Fatal(err)
	}
	info, err := put(c, "locked", "a/b.mp3", []byte("one"), sha256.Sum256([]byte("one")))
	if err != nil {
		t.Fatal(err)
	}
	held := minio.LegalHoldEnabled
	if err := c.PutObjectLegalHold(ctx, "locked", "a/b.mp3", minio.PutObjectLegalHoldOptions{Status: &held}); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if meta, err := os.ReadDir(filepath.Join(dir, "metadata", "locked", "a", "b.mp3", "meta")); err != nil || len(meta) == 0 {
		t.Errorf("no metadata in the folder: %v", err)
	}
	_, c = startS3(t, dir)
	if o, err := c.StatObject(ctx, "locked", "a/b.mp3", minio.StatObjectOptions{}); err != nil || o.ContentType != "audio/mpeg" {
		t.Errorf("after the restart: %q, %v", o.ContentType, err)
	}
	if err := c.RemoveObject(ctx, "locked", "a/b.mp3", minio.RemoveObjectOptions{VersionID: info.VersionID}); err == nil {
		t.Error("a held object was deleted")
	}
}
