package installation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"fonoteka/internal/audit"
	"fonoteka/internal/blob"
)

// Anchors is the bucket as the audit uses it. They are put under the retention of
// --retention-mode, and where only integrations have one, under the firmest of
// theirs (config.retentions).
type Anchors struct {
	bucket *blob.Bucket
	ready  func() error // why it cannot be used yet
}

// NewAnchors uses a bucket; ready says why it cannot be used yet.
func NewAnchors(bucket *blob.Bucket, ready func() error) Anchors { return Anchors{bucket, ready} }

func (a Anchors) PutAnchor(ctx context.Context, key string, body []byte) error {
	if err := a.ready(); err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	return a.bucket.Put(ctx, key, bytes.NewReader(body), blob.Put{Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:]), ContentType: "application/json"})
}

func (a Anchors) Anchor(ctx context.Context, key string) ([]byte, error) {
	if err := a.ready(); err != nil {
		return nil, err
	}
	r, _, err := a.bucket.Get(ctx, key)
	if errors.Is(err, blob.ErrNotFound) || err != nil && a.noBucket(ctx) {
		return nil, audit.ErrNoAnchor
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, 1<<16))
}

func (a Anchors) AnchorKeys(ctx context.Context, prefix string) (keys []string, err error) {
	if err := a.ready(); err != nil {
		return nil, err
	}
	if a.noBucket(ctx) {
		return nil, nil
	}
	err = a.bucket.List(ctx, prefix, func(o blob.Object) bool {
		keys = append(keys, o.Key)
		return true
	})
	return keys, err
}

// noBucket is whether the store answers that there is no bucket.
func (a Anchors) noBucket(ctx context.Context) bool {
	return errors.Is(a.bucket.Ping(ctx), blob.ErrNotFound)
}
