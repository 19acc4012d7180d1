package blob_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"fonoteka/internal/blob"
)

var threeYears = blob.Retention{Mode: blob.Compliance, For: blob.Period{Years: 3}}

// What has no lock, or a weaker or shorter one, gets it; what has more keeps it.
func TestLockAnewOnlyAdds(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{Retention: threeYears})
		raw := s.raw(t)
		want := b.LockNow("a.mp3")
		later, sooner := want.Until.AddDate(1, 0, 0), want.Until.AddDate(-1, 0, 0)
		for name, c := range map[string]struct {
			has    minio.PutObjectOptions
			want   blob.Lock
			missed bool
			then   blob.Lock
		}{
			"none":    {minio.PutObjectOptions{}, want, true, want},
			"shorter": {minio.PutObjectOptions{Mode: minio.Compliance, RetainUntilDate: sooner}, want, true, want},
			"longer":  {minio.PutObjectOptions{Mode: minio.Compliance, RetainUntilDate: later}, want, false, blob.Lock{Mode: blob.Compliance, Until: later}},
			"firmer":  {minio.PutObjectOptions{Mode: minio.Compliance, RetainUntilDate: later}, blob.Lock{Mode: blob.Governance, Until: want.Until}, false, blob.Lock{Mode: blob.Compliance, Until: later}},
			"firmer, and shorter": {
				minio.PutObjectOptions{Mode: minio.Compliance, RetainUntilDate: sooner},
				blob.Lock{Mode: blob.Governance, Until: want.Until},
				true,
				blob.Lock{Mode: blob.Compliance, Until: want.Until},
			},
			"over":    {minio.PutObjectOptions{}, blob.Lock{Mode: blob.Compliance, Until: time.Now().Add(-time.Hour)}, false, blob.Lock{}},
			"nothing": {minio.PutObjectOptions{}, blob.Lock{}, false, blob.Lock{}},
		} {
			key := name + ".mp3"
			if _, err := raw.PutObject(t.Context(), b.Name(), key, bytes.NewReader(audio), int64(len(audio)), c.has); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			missed, err := b.LockAnew(t.Context(), key, c.want)
			then, lerr := b.Lock(t.Context(), key, "")
			if err != nil || lerr != nil || missed != c.missed || then.Mode != c.then.Mode || !then.Until.Equal(c.then.Until) {
				t.Errorf("%s: %v %v; locked %+v (%v), want %v %+v", name, missed, err, then, lerr, c.missed, c.then)
			}
			if then.Mode == blob.Compliance {
				all := versions(t, b, key)
				if err := raw.RemoveObject(t.Context(), b.Name(), key, minio.RemoveObjectOptions{VersionID: all[0].ID, GovernanceBypass: true}); err == nil {
					t.Errorf("%s: it was deleted", name)
				}
			}
		}
		if _, err := b.LockAnew(t.Context(), "nobody.mp3", want); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("of nothing: %v", err)
		}
	})
}

// A bucket that lost the setting is given it where it is our own, and else says so.
func TestLockAnewInABucketWithoutObjectLock(t *testing.T) {
	t.Parallel()
	s := servers[0]
	url := s.url(t)
	s.bucket(t, blob.Options{URL: url}) // without
	other := s.open(t, blob.Options{URL: url})
	put(t, other, "a.mp3")
	want := blob.Lock{Mode: blob.Governance, Until: time.Now().AddDate(1, 0, 0).UTC().Truncate(time.Second)}
	if missed, err := other.LockAnew(t.Context(), "a.mp3", want); !missed || !errors.Is(err, blob.ErrNoLock) {
		t.Errorf("a bucket of somebody else's: %v %v", missed, err)
	}
	own := s.open(t, blob.Options{URL: url, Own: true})
	if missed, err := own.LockAnew(t.Context(), "a.mp3", want); !missed || err != nil {
		t.Errorf("our own: %v %v", missed, err)
	}
	if l, err := own.Lock(t.Context(), "a.mp3", ""); err != nil || !l.Covers(want) {
		t.Errorf("locked %+v, %v", l, err)
	}
}

// Put under a lock that the caller gives, so that two objects end together; one that
// is over gives way to the rule.
func TestPutTakesTheLockThatItIsGiven(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{Retention: threeYears})
		given := blob.Lock{Mode: blob.Governance, Until: time.Now().AddDate(5, 0, 0).UTC().Truncate(time.Second)}
		past := blob.Lock{Mode: blob.Compliance, Until: time.Now().Add(-time.Hour)}
		for key, lock := range map[string]blob.Lock{"given.mp3": given, "past.mp3": past} {
			p := blob.Put{Size: int64(len(audio)), SHA256: digest(audio), Lock: lock}
			if err := b.Put(t.Context(), key, bytes.NewReader(audio), p); err != nil {
				t.Fatal(err)
			}
		}
		if l, err := b.Lock(t.Context(), "given.mp3", ""); err != nil || l != given {
			t.Errorf("given: %+v, %v", l, err)
		}
		if l, err := b.Lock(t.Context(), "past.mp3", ""); err != nil || l.Mode != blob.Compliance || l.Until.Before(time.Now().AddDate(3, 0, -1)) {
			t.Errorf("past: %+v, %v", l, err)
		}
	})
}
