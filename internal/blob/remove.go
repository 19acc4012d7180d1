package blob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minio/minio-go/v7"
)

// Nothing in the program removes a recording: Remove and RemoveVersion are what
// the tests prove with, on real stores, that Object Lock refuses it.
//
// Removing asks first what keeps the object, and refuses by itself: some
// servers forget a legal hold once the retention has run out, and one whose
// clock is wrong forgets the retention. What cannot be read counts as kept. A
// hold that is set between question and removal is the server's to enforce.
// Nothing here goes around a GOVERNANCE retention.

// Version is one version of an object, or a mark of deletion.
type Version struct {
	Key      string
	ID       string // "" or "null" in a bucket without versions
	Size     int64
	StoredAt time.Time // UTC
	Latest   bool
	Marker   bool // of deletion: the key reads as missing, older versions are there
}

// Remove deletes an object; one that is not there counts as removed. In a
// bucket with versions it is only marked as deleted, and its bytes stay until
// RemoveVersion. ErrHeld, ErrRetained: it must stay, and nothing was done.
func (b *Bucket) Remove(ctx context.Context, key string) error {
	return b.RemoveVersion(ctx, key, "")
}

// RemoveVersion deletes one version of an object for good; one that is not
// there counts as removed. ErrHeld, ErrRetained: it must stay.
func (b *Bucket) RemoveVersion(ctx context.Context, key, version string) error {
	may, err := b.removable(ctx, key, version)
	if err != nil || !may {
		return err
	}
	defer b.m.observe("remove", time.Now())
	err = b.client.RemoveObject(ctx, b.where.Bucket, key, minio.RemoveObjectOptions{VersionID: version})
	return b.removed(ctx, key, version, err)
}

// removable is false for what is not there.
func (b *Bucket) removable(ctx context.Context, key, version string) (bool, error) {
	l, err := b.Lock(ctx, key, version)
	if errors.Is(err, ErrNotFound) {
		return version != "", nil // perhaps a mark of deletion: those may go
	}
	if err != nil {
		return false, fmt.Errorf("removing %s, of which is not known whether it must stay: %w", key, err)
	}
	if err := l.Forbids(time.Now()); err != nil {
		return false, b.m.failed("remove", fmt.Errorf("removing %s: %w", key, err))
	}
	return true, nil
}

// removed judges the server's answer. A refusal is looked at again: the lock
// may have come since.
func (b *Bucket) removed(ctx context.Context, key, version string, err error) error {
	if err = b.wrap("removing", key, err); err == nil || errors.Is(err, ErrNotFound) {
		return nil
	}
	if l, again := b.Lock(ctx, key, version); again == nil {
		if why := l.Forbids(time.Now()); why != nil {
			err = fmt.Errorf("removing %s: %w (%w)", key, why, err)
		}
	}
	return b.m.failed("remove", err)
}

// Versions calls each for every version of the objects whose key begins with
// prefix, a key's newest first, until each returns false.
func (b *Bucket) Versions(ctx context.Context, prefix string, each func(Version) bool) error {
	defer b.m.observe("versions", time.Now())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opts := minio.ListObjectsOptions{Prefix: prefix, Recursive: true, WithVersions: true}
	for info := range b.client.ListObjectsIter(ctx, b.where.Bucket, opts) {
		if info.Err != nil {
			return b.m.failed("versions", b.wrap("listing versions of", prefix, info.Err))
		}
		v := Version{
			Key: info.Key, ID: info.VersionID, Size: info.Size, StoredAt: info.LastModified.UTC(),
			Latest: info.IsLatest, Marker: info.IsDeleteMarker,
		}
		if !each(v) {
			return nil
		}
	}
	if err := ctx.Err(); err != nil {
		return b.m.failed("versions", b.wrap("listing versions of", prefix, err))
	}
	return nil
}
