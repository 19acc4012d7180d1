package blob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minio/minio-go/v7"
)

// EnsureBucket creates the bucket where it is missing, with Object Lock if
// there is a retention to be set. Two processes may do so at once. ErrNoLock:
// the bucket is there, but was made without Object Lock, so that no object
// could bear the retention. ErrNotEncrypted: encryption is asked for in vain.
func (b *Bucket) EnsureBucket(ctx context.Context) error {
	defer b.m.observe("ensure", time.Now())
	have, err := b.client.BucketExists(ctx, b.where.Bucket)
	if err == nil && have {
		return b.ensureSettings(ctx)
	}
	locked := b.anyRetention().Mode != NoRetention
	if err == nil {
		err = b.client.MakeBucket(ctx, b.where.Bucket, minio.MakeBucketOptions{Region: b.where.Region, ObjectLocking: locked})
	}
	switch minio.ToErrorResponse(err).Code {
	case "BucketAlreadyOwnedByYou", "BucketAlreadyExists":
		// Somebody else created it at the same moment; whether we may use it shows now.
		if have, again := b.client.BucketExists(ctx, b.where.Bucket); again == nil && have {
			return b.ensureSettings(ctx)
		}
	}
	if err != nil {
		return b.m.failed("ensure", b.wrap("creating bucket", b.where.Bucket, err))
	}
	b.log.InfoContext(ctx, "bucket created", "bucket", b.where.Bucket, "object_lock", locked)
	return b.ensureSettings(ctx)
}

// ensureSettings makes sure that objects can be stored as the Options say, before
// the first one is.
func (b *Bucket) ensureSettings(ctx context.Context) error {
	if err := b.ensureLock(ctx); err != nil || !b.encryption.asked() {
		return err
	}
	if err := b.encrypts(ctx); err != nil {
		return b.m.failed("ensure", fmt.Errorf("encryption %s in bucket %s: %w", b.encryption, b.where.Bucket, err))
	}
	return nil
}

// ensureLock makes sure that a retention can be set, if there is one.
func (b *Bucket) ensureLock(ctx context.Context) error {
	rule := b.anyRetention()
	if rule.Mode == NoRetention {
		return nil
	}
	err := b.makeLockable(ctx)
	if errors.Is(err, ErrNoLock) {
		err = b.m.failed("ensure", fmt.Errorf("bucket %s, where each object is to be kept for %s (%s): %w; name a new bucket, or switch versioning and object lock on in this one",
			b.where.Bucket, rule.For, rule.Mode, ErrNoLock))
	}
	return err
}

// makeLockable switches Object Lock on in a bucket that is our own alone. ErrNoLock:
// it is off, and the bucket is not.
func (b *Bucket) makeLockable(ctx context.Context) error {
	have, err := b.Lockable(ctx)
	if err != nil || have {
		return err
	}
	if !b.own {
		return ErrNoLock
	}
	if err := b.client.EnableVersioning(ctx, b.where.Bucket); err != nil {
		return b.m.failed("ensure", b.wrap("switching versioning on in bucket", b.where.Bucket, err))
	}
	if err := b.client.SetObjectLockConfig(ctx, b.where.Bucket, nil, nil, nil); err != nil {
		return b.m.failed("ensure", b.wrap("switching object lock on in bucket", b.where.Bucket, err))
	}
	b.log.InfoContext(ctx, "object lock switched on", "bucket", b.where.Bucket)
	return nil
}
