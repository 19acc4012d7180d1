package blob

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

// digestMeta holds the digest, for stores that do not return a checksum.
const digestMeta = "Sha256"

// Put describes an object to be stored.
type Put struct {
	Size        int64
	SHA256      string // lower-case hex of the bytes: the server refuses others
	ContentType string
	Meta        map[string]string // ASCII names and values, no personal data
	Unretained  bool              // Options.Retention is not for this object
	Lock        Lock              // is set instead of Options.Retention, unless it has expired; Held is ignored
}

// Object is what the store knows of an object.
type Object struct {
	Key      string
	Size     int64
	SHA256   string            // lower-case hex; "" if the object was stored without one
	Meta     map[string]string // names in canonical header form
	StoredAt time.Time         // UTC
}

// Put stores an object under a key that must be free. When it returns nil the
// object is stored as described, with the retention and encryption of the
// Options: a store that cannot do these refuses it. ErrExists: the key is taken, perhaps by
// this very call, if an earlier try of it worked and its answer was lost; so
// a caller compares digests by Stat. After any other error the object
// may or may not be there.
func (b *Bucket) Put(ctx context.Context, key string, body io.ReaderAt, p Put) error {
	defer b.m.observe("put", time.Now())
	sum, err := hex.DecodeString(p.SHA256)
	if err != nil || len(sum) != 32 || p.Size <= 0 {
		return b.m.failed("put", fmt.Errorf("storing %s: digest or size is missing", key))
	}
	opts := minio.PutObjectOptions{
		ContentType:          p.ContentType,
		DisableMultipart:     true,
		DisableContentSha256: true, // the checksum's header replaces it
		UserMetadata: map[string]string{
			"x-amz-checksum-sha256": base64.StdEncoding.EncodeToString(sum),
			digestMeta:              p.SHA256,
		},
	}
	for name, value := range p.Meta {
		opts.UserMetadata[name] = value
	}
	opts.ServerSideEncryption = b.encryption.server()
	if lock := p.lock(b, key, time.Now()); lock.Mode != NoRetention {
		opts.Mode, opts.RetainUntilDate = minio.RetentionMode(lock.Mode), lock.Until
	}
	opts.SetMatchETagExcept("*")
	r := io.NewSectionReader(body, 0, p.Size) // seekable: the client can send it again
	if _, err = b.client.PutObject(ctx, b.where.Bucket, key, r, p.Size, opts); err != nil {
		return b.m.failed("put", b.wrap("storing", key, err))
	}
	b.m.bytes.WithLabelValues("put").Add(float64(p.Size))
	return nil
}

// lock is what is set on the object.
func (p Put) lock(b *Bucket, key string, now time.Time) Lock {
	switch {
	case p.Unretained:
		return Lock{}
	case p.Lock.Mode != NoRetention && now.Before(p.Lock.Until):
		return p.Lock
	}
	return b.retentionOf(key).from(now)
}

// Stat returns what the store knows of an object, or ErrNotFound.
func (b *Bucket) Stat(ctx context.Context, key string) (Object, error) {
	defer b.m.observe("stat", time.Now())
	info, err := b.client.StatObject(ctx, b.where.Bucket, key, minio.StatObjectOptions{Checksum: true})
	if err != nil {
		return Object{}, b.m.failed("stat", b.wrap("looking up", key, err))
	}
	return object(key, info), nil
}

func object(key string, info minio.ObjectInfo) Object {
	o := Object{Key: key, Size: info.Size, Meta: info.UserMetadata, StoredAt: info.LastModified.UTC()}
	// A composite checksum ("…-3") is one over parts, not over the object.
	if sum, err := base64.StdEncoding.DecodeString(info.ChecksumSHA256); err == nil && len(sum) == 32 {
		o.SHA256 = hex.EncodeToString(sum)
	} else if meta := info.UserMetadata[digestMeta]; len(meta) == 64 {
		o.SHA256 = meta
	}
	return o
}

// wrap adds what was attempted and the server's own code.
func (b *Bucket) wrap(what, key string, err error) error {
	if err == nil {
		return nil
	}
	resp := minio.ToErrorResponse(err)
	if hint := b.where.hint(err); hint != "" {
		err = fmt.Errorf("%w (%s)", err, hint)
	}
	switch {
	case resp.StatusCode == http.StatusPreconditionFailed, resp.Code == "PreconditionFailed":
		return fmt.Errorf("%s %s: %w", what, key, ErrExists)
	case resp.Code == "NoSuchKey", resp.Code == "NoSuchVersion", resp.Code == "NoSuchBucket" && strings.HasPrefix(what, "looking"):
		return fmt.Errorf("%s %s: %w", what, key, ErrNotFound)
	case resp.Code != "" && resp.StatusCode != 0:
		return fmt.Errorf("%s %s: the store answered %d %s: %w", what, key, resp.StatusCode, resp.Code, err)
	}
	return fmt.Errorf("%s %s at %s: %w", what, key, b.where.Endpoint, err)
}
