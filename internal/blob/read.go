package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

// ErrRange says that nothing of the object lies where GetRange was asked for.
var ErrRange = errors.New("no such range of the object")

// Get opens an object for reading; the caller closes it. ErrNotFound comes
// from here, not from the first read.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, Object, error) {
	start := time.Now()
	defer b.m.observe("get", start)
	core := minio.Core{Client: b.client}
	r, info, _, err := core.GetObject(ctx, b.where.Bucket, key, minio.GetObjectOptions{Checksum: true})
	if err != nil {
		return nil, Object{}, b.m.failed("get", b.wrap("reading", key, err))
	}
	b.m.bytes.WithLabelValues("get").Add(float64(info.Size))
	return r, object(key, info), nil
}

// GetRange opens length bytes of an object from offset on, or all that follow
// where length is below 0; a range that goes beyond the end gives what is
// there. Object.Size is the size of the whole. The caller closes it.
func (b *Bucket) GetRange(ctx context.Context, key string, offset, length int64) (io.ReadCloser, Object, error) {
	defer b.m.observe("range", time.Now())
	fail := func(err error) (io.ReadCloser, Object, error) {
		return nil, Object{}, b.m.failed("range", err)
	}
	if offset < 0 || length == 0 {
		return fail(fmt.Errorf("reading %s from %d, %d bytes: %w", key, offset, length, ErrRange))
	}
	wanted := fmt.Sprintf("bytes=%d-", offset)
	if length > 0 {
		wanted += strconv.FormatInt(offset+length-1, 10)
	}
	var opts minio.GetObjectOptions
	opts.Set("Range", wanted)
	r, info, header, err := (minio.Core{Client: b.client}).GetObject(ctx, b.where.Bucket, key, opts)
	if minio.ToErrorResponse(err).Code == "InvalidRange" {
		return fail(fmt.Errorf("reading %s from %d: %w", key, offset, ErrRange))
	}
	if err != nil {
		return fail(b.wrap("reading", key, err))
	}
	// "bytes 5-9/20"
	given, total, _ := strings.Cut(header.Get("Content-Range"), "/")
	size, err := strconv.ParseInt(total, 10, 64)
	if err != nil || !strings.HasPrefix(given, fmt.Sprintf("bytes %d-", offset)) {
		r.Close()
		return fail(fmt.Errorf("reading %s from %d: the store does not know ranges", key, offset))
	}
	b.m.bytes.WithLabelValues("get").Add(float64(info.Size))
	o := object(key, info)
	o.Size = size
	return r, o, nil
}

// List calls each for the objects whose key begins with prefix, in order of
// key, until each returns false. Digests and metadata are not listed.
func (b *Bucket) List(ctx context.Context, prefix string, each func(Object) bool) error {
	defer b.m.observe("list", time.Now())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for info := range b.client.ListObjectsIter(ctx, b.where.Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if info.Err != nil {
			return b.m.failed("list", b.wrap("listing", prefix, info.Err))
		}
		if !each(Object{Key: info.Key, Size: info.Size, StoredAt: info.LastModified.UTC()}) {
			return nil
		}
	}
	if err := ctx.Err(); err != nil {
		return b.m.failed("list", b.wrap("listing", prefix, err))
	}
	return nil
}

// ListPage returns up to limit objects whose key begins with prefix and is
// greater than after, in order of key; after the last key of one page comes the
// next, across restarts as well. An empty page is the end. A limit above 1000
// takes more than one request.
func (b *Bucket) ListPage(ctx context.Context, prefix, after string, limit int) ([]Object, error) {
	defer b.m.observe("list", time.Now())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	page := make([]Object, 0, min(limit, 1000))
	opts := minio.ListObjectsOptions{Prefix: prefix, Recursive: true, StartAfter: after, MaxKeys: min(limit, 1000)}
	for info := range b.client.ListObjectsIter(ctx, b.where.Bucket, opts) {
		if len(page) >= limit {
			break
		}
		if info.Err != nil {
			return nil, b.m.failed("list", b.wrap("listing", prefix, info.Err))
		}
		page = append(page, Object{Key: info.Key, Size: info.Size, StoredAt: info.LastModified.UTC()})
		if len(page) == limit {
			break // before another page is asked for
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, b.m.failed("list", b.wrap("listing", prefix, err))
	}
	return page, nil
}
