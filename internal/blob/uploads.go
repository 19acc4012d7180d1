package blob

import (
	"context"
	"errors"
	"time"

	"github.com/minio/minio-go/v7"
)

// Upload is a multipart upload that was begun and not completed. Put makes
// none; other programs that write to the bucket do, and the parts they left behind
// take space that no listing of objects shows.
type Upload struct {
	Key     string
	ID      string
	Started time.Time // UTC
}

// Leftovers calls each for the incomplete uploads whose key begins with prefix,
// until each returns false. Only its age shows whether one is abandoned or under way.
// MinIO lists them only for a prefix that is a whole key, and for "".
func (b *Bucket) Leftovers(ctx context.Context, prefix string, each func(Upload) bool) error {
	defer b.m.observe("leftovers", time.Now())
	ctx, cancel := context.WithCancel(ctx)
	all := b.client.ListIncompleteUploads(ctx, b.where.Bucket, prefix, true)
	defer func() {
		cancel()
		for range all { // or its sender waits for ever
		}
	}()
	for u := range all {
		if u.Err != nil {
			return b.m.failed("leftovers", b.wrap("listing incomplete uploads of", b.where.Bucket, u.Err))
		}
		if !each(Upload{Key: u.Key, ID: u.UploadID, Started: u.Initiated.UTC()}) {
			return nil
		}
	}
	return nil
}

// Abort ends an incomplete upload and frees its parts; one that is not there
// counts as ended.
func (b *Bucket) Abort(ctx context.Context, u Upload) error {
	defer b.m.observe("abort", time.Now())
	err := (minio.Core{Client: b.client}).AbortMultipartUpload(ctx, b.where.Bucket, u.Key, u.ID)
	if minio.ToErrorResponse(err).Code == "NoSuchUpload" {
		return nil
	}
	if err = b.wrap("ending the incomplete upload of", u.Key, err); err != nil && !errors.Is(err, ErrNotFound) {
		return b.m.failed("abort", err)
	}
	return nil
}
