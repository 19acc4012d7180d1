package blob

import (
	"context"
	"time"

	"github.com/minio/minio-go/v7"
)

// ShareLock locks each of several objects as strictly and as long as the most strictly
// locked one: the stricter mode, the latest date, a legal hold. Nothing is shortened or
// lifted. In a bucket without Object Lock it does nothing. ErrNotFound: one does not exist;
// those before it have been locked.
func (b *Bucket) ShareLock(ctx context.Context, keys ...string) error {
	have, err := b.Lockable(ctx)
	if err != nil || !have {
		return err
	}
	locks := make([]Lock, len(keys))
	var all Lock
	for i, key := range keys {
		if locks[i], err = b.Lock(ctx, key, ""); err != nil {
			return err
		}
		all = all.and(locks[i])
	}
	for i, key := range keys {
		if all.Mode != locks[i].Mode || all.Until.After(locks[i].Until) {
			if err := b.retain(ctx, key, locks[i].Mode, all); err != nil {
				return err
			}
		}
		if all.Held && !locks[i].Held {
			if err := b.SetHold(ctx, key, "", true); err != nil {
				return err
			}
		}
	}
	return nil
}

// and is a lock that protects as well as either.
func (l Lock) and(other Lock) Lock {
	if other.Mode == Compliance || l.Mode == NoRetention {
		l.Mode = other.Mode
	}
	if other.Until.After(l.Until) {
		l.Until = other.Until
	}
	l.Held = l.Held || other.Held
	return l
}

// retain sets the retention of the newest version of an object, which must not be shorter
// than before. Replacing GOVERNANCE by a stricter mode needs the permission to bypass
// GOVERNANCE.
func (b *Bucket) retain(ctx context.Context, key string, before Mode, l Lock) error {
	defer b.m.observe("retain", time.Now())
	mode := minio.RetentionMode(l.Mode)
	err := b.client.PutObjectRetention(ctx, b.where.Bucket, key, minio.PutObjectRetentionOptions{
		Mode: &mode, RetainUntilDate: &l.Until, GovernanceBypass: before == Governance && l.Mode == Compliance,
	})
	if err != nil {
		return b.m.failed("retain", b.wrap("setting the retention of", key, err))
	}
	return nil
}
