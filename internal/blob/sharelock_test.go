package blob_test

import (
	"errors"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"fonoteka/internal/blob"
)

// Of several objects each is kept as well as the one that is kept best, on the server
// itself.
func TestObjectsShareTheFirmestLock(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{Retention: blob.Retention{Mode: blob.Governance, For: blob.Period{Years: 1}}})
		keys := []string{"a.mp3", "a.json", "a.0123456789abcdef.mp3", "a.0123456789abcdef.json"}
		for _, key := range keys {
			put(t, b, key)
		}
		put(t, b, "b.mp3")
		raw := s.raw(t)
		mode, until := minio.Governance, time.Now().AddDate(2, 0, 0).Truncate(time.Second).UTC()
		if err := raw.PutObjectRetention(t.Context(), b.Name(), keys[2], minio.PutObjectRetentionOptions{Mode: &mode, RetainUntilDate: &until}); err != nil {
			t.Fatal(err)
		}
		if err := b.SetHold(t.Context(), keys[0], "", true); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := b.ShareLock(t.Context(), keys...); err != nil {
				t.Fatal(err)
			}
			for _, key := range keys {
				if l, err := b.Lock(t.Context(), key, ""); err != nil || l != (blob.Lock{Mode: blob.Governance, Until: until, Held: true}) {
					t.Errorf("%s: %+v, %v", key, l, err)
				}
				all := versions(t, b, key)
				if err := raw.RemoveObject(t.Context(), b.Name(), key, minio.RemoveObjectOptions{VersionID: all[0].ID, GovernanceBypass: true}); err == nil || len(all) != 1 {
					t.Errorf("%s: the server let one of %d versions be deleted", key, len(all))
				}
			}
		}
		if l, err := b.Lock(t.Context(), "b.mp3", ""); err != nil || l.Held || !l.Until.Before(until) {
			t.Errorf("another object: %+v, %v", l, err)
		}
		if err := b.ShareLock(t.Context(), "b.mp3", "absent.mp3"); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("of an object that is not there: %v", err)
		}
	})
}

func TestTheStricterModeIsShared(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{Retention: blob.Retention{Mode: blob.Governance, For: blob.Period{Years: 1}}, RetentionUnder: map[string]blob.Retention{
			"firm/": {Mode: blob.Compliance, For: blob.Period{Days: 1}},
		}})
		put(t, b, "a.mp3")
		put(t, b, "firm/a.mp3")
		if err := b.ShareLock(t.Context(), "a.mp3", "firm/a.mp3"); err != nil {
			t.Fatal(err)
		}
		first, err := b.Lock(t.Context(), "a.mp3", "")
		second, err2 := b.Lock(t.Context(), "firm/a.mp3", "")
		if err := errors.Join(err, err2); err != nil || first != second || first.Mode != blob.Compliance || first.Until.Before(time.Now().AddDate(0, 11, 0)) {
			t.Errorf("%+v and %+v, %v", first, second, err)
		}
	})
}

func TestWithoutObjectLockThereIsNothingToShare(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{})
		put(t, b, "a.mp3")
		if err := b.ShareLock(t.Context(), "a.mp3"); err != nil {
			t.Error(err)
		}
	})
}
