package blob_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"fonoteka/internal/blob"
)

func TestRangesOfAnObject(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{})
		put(t, b, "a.mp3")
		size := int64(len(audio))
		for _, c := range []struct{ offset, length, want int64 }{
			{0, 1, 1}, {0, -1, size}, {7, 100, 100}, {size - 5, -1, 5}, {size - 5, 100, 5}, {1, size, size - 1},
		} {
			r, o, err := b.GetRange(t.Context(), "a.mp3", c.offset, c.length)
			if err != nil {
				t.Errorf("%+v: %v", c, err)
				continue
			}
			got, err := io.ReadAll(r)
			r.Close()
			if err != nil || !bytes.Equal(got, audio[c.offset:c.offset+c.want]) || o.Size != size {
				t.Errorf("%+v gives %d bytes of %d, %v", c, len(got), o.Size, err)
			}
		}
		for _, c := range [][2]int64{{size, 1}, {size + 100, -1}, {-1, 5}, {0, 0}} {
			if r, _, err := b.GetRange(t.Context(), "a.mp3", c[0], c[1]); !errors.Is(err, blob.ErrRange) {
				t.Errorf("%v: %v", c, err)
				if err == nil {
					r.Close()
				}
			}
		}
		if _, _, err := b.GetRange(t.Context(), "b.mp3", 0, 1); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("of no object: %v", err)
		}
	})
}

func TestPagesOfAListingMissNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{})
		var want []string
		for i := range 23 {
			key := fmt.Sprintf("r/%d/%02d.mp3", i/7, i)
			put(t, b, key)
			want = append(want, key)
		}
		put(t, b, "s/other")
		var got []string
		pages, after := 0, ""
		for ; pages < 10; pages++ {
			page, err := b.ListPage(t.Context(), "r/", after, 5)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, o := range page {
				got = append(got, o.Key)
			}
			after = page[len(page)-1].Key
		}
		if diff := cmp.Diff(want, got); diff != "" || pages != 5 {
			t.Errorf("%d pages\n%s", pages, diff)
		}
		if page, err := b.ListPage(t.Context(), "", "", 3000); err != nil || len(page) != 24 {
			t.Errorf("one page of all: %d, %v", len(page), err)
		}
	})
}

func TestIncompleteUploadsAreFoundAndEnded(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{})
		core := minio.Core{Client: s.raw(t)}
		for _, key := range []string{"a/1", "b/2", "b/2"} {
			id, err := core.NewMultipartUpload(t.Context(), b.Name(), key, minio.PutObjectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := core.PutObjectPart(t.Context(), b.Name(), key, id, 1, bytes.NewReader(audio), int64(len(audio)), minio.PutObjectPartOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		list := func() (all []blob.Upload) {
			if err := b.Leftovers(t.Context(), "", func(u blob.Upload) bool { all = append(all, u); return true }); err != nil {
				t.Error(err)
			}
			return all
		}
		all := list()
		if len(all) != 3 {
			t.Fatalf("found %+v", all)
		}
		if err := b.Leftovers(t.Context(), "", func(blob.Upload) bool { return false }); err != nil {
			t.Error(err)
		}
		for _, u := range all {
			if time.Since(u.Started) > time.Minute || u.ID == "" {
				t.Errorf("found %+v", u)
			}
			for range 2 { // the second time there is nothing left to end
				if err := b.Abort(t.Context(), u); err != nil {
					t.Error(err)
				}
			}
		}
		if left := list(); len(left) != 0 {
			t.Errorf("left: %+v", left)
		}
	})
}

func TestEncryptionIsDoneOrItsLackIsNoticed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		for _, how := range []string{"s3", "kms", "kms:test-key"} {
			e, err := blob.ParseEncryption(how)
			if err != nil {
				t.Fatal(err)
			}
			b := s.open(t, blob.Options{Encryption: e})
			err = b.EnsureBucket(t.Context())
			if !s.encrypt {
				if !errors.Is(err, blob.ErrNotEncrypted) {
					t.Errorf("%s: EnsureBucket = %v", how, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			put(t, b, "a.mp3")
			info, err := s.raw(t).StatObject(t.Context(), b.Name(), "a.mp3", minio.StatObjectOptions{})
			if err != nil || info.Metadata.Get("X-Amz-Server-Side-Encryption") == "" {
				t.Errorf("%s: not encrypted: %v, %v", how, info.Metadata, err)
			}
			if o, err := b.Stat(t.Context(), "a.mp3"); err != nil || o.SHA256 != digest(audio) || o.Size != int64(len(audio)) {
				t.Errorf("%s: Stat = %+v, %v", how, o, err)
			}
			if all := versions(t, b, ""); len(all) != 1 {
				t.Errorf("%s: left: %+v", how, all)
			}
		}
	})
}
