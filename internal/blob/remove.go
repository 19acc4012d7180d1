package blob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minio/minio-go/v7"
)

// Version is one version of an object, or a delete marker.
type Version struct {
	Key      string
	ID       string // "" or "null" in a bucket without versions
	Size     int64
	StoredAt time.Time // UTC
	Latest   bool
	Marker   bool // a delete marker: the key reads as missing, older versions are there
}

// Remove deletes an object; one that does not exist counts as removed. In a
// bucket with versions it only gets a delete marker, and its bytes stay until
// RemoveVersion. ErrHeld, ErrRetained: it must stay, and nothing was done.
//
// Nothing in the program removes a recording: by Remove and RemoveVersion
// the tests prove, on real stores, that Object Lock refuses it.
//
// Before a removal the object's lock is read, and a locked object is refused here: some
// servers ignore a legal hold once the retention has expired, and one whose
// clock is wrong ignores the retention. An object whose lock cannot be read counts as
// locked. A hold that is set between reading and removal is enforced by the server alone.
// Nothing here bypasses a GOVERNANCE retention.
func (b *Bucket) Remove(ctx context.Context, key string) error {
	return b.RemoveVersion(ctx, key, "")
}

// RemoveVersion deletes one version of an object for good; one that does not exist
// counts as removed. ErrHeld, ErrRetained: it must stay.
func (b *Bucket) RemoveVersion(ctx context.Context, key, version string) error {
	may, err := b.removable(ctx, key, version)
	if err != nil || !may {
		return err
	}
	defer b.m.observe("remove", time.Now())
	err = b.client.RemoveObject(ctx, b.where.Bucket, key, minio.RemoveObjectOptions{VersionID: version})
	return b.removed(ctx, key, version, err)
}

// removable says whether an object may be deleted; false where it does not exist.
func (b *Bucket) removable(ctx context.Context, key, version string) (bool, error) {
	l, err := b.Lock(ctx, key, version)
	if errors.Is(err, ErrNotFound) {
		return version != "", nil // it may be a delete marker, which may be removed
	}
	if err != nil {
		return false, fmt.Errorf("removing %s, whose lock cannot be read: %w", key, err)
	}
	if err := l.Forbids(time.Now()); err != nil {
		return false, b.m.failed("remove", fmt.Errorf("removing %s: %w", key, err))
	}
	return true, nil
}

// removed interprets the server's answer. After a refusal the lock is read again: it
// may have been set meanwhile.
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
