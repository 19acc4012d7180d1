package blob_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"fonoteka/internal/blob"
)

var audio = bytes.Repeat([]byte("audio "), 500)

func put(t *testing.T, b *blob.Bucket, key string) {
	t.Helper()
	if err := b.Put(t.Context(), key, bytes.NewReader(audio), blob.Put{Size: int64(len(audio)), SHA256: digest(audio)}); err != nil {
		t.Fatal(err)
	}
}

func versions(t *testing.T, b *blob.Bucket, prefix string) (all []blob.Version) {
	t.Helper()
	if err := b.Versions(t.Context(), prefix, func(v blob.Version) bool { all = append(all, v); return true }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestObjectLockRefusesDeletionBeforeTheDate(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		for _, mode := range []blob.Mode{blob.Governance, blob.Compliance} {
			b := s.bucket(t, blob.Options{Retention: blob.Retention{Mode: mode, For: blob.Period{Years: 3}}})
			before := time.Now()
			put(t, b, "a.mp3")
			all := versions(t, b, "")
			if len(all) != 1 || !all[0].Latest || all[0].Marker || all[0].ID == "" || all[0].Size != int64(len(audio)) {
				t.Fatalf("%s: versions %+v", mode, all)
			}
			v := all[0]
			l, err := b.Lock(t.Context(), "a.mp3", v.ID)
			if want := before.AddDate(3, 0, 0); err != nil || l.Mode != mode || l.Until.Before(want.Truncate(time.Second)) || l.Until.After(want.Add(time.Minute)) || l.Held {
				t.Errorf("%s: Lock = %+v, %v", mode, l, err)
			}
			// The server itself, asked by somebody else.
			raw := s.raw(t)
			if err := raw.RemoveObject(t.Context(), b.Name(), "a.mp3", minio.RemoveObjectOptions{VersionID: v.ID}); err == nil {
				t.Errorf("%s: the server let the version be deleted", mode)
			} else {
				t.Logf("%s: delete of a version: %v", mode, err)
			}
			batch := make(chan minio.ObjectInfo, 1)
			batch <- minio.ObjectInfo{Key: "a.mp3", VersionID: v.ID}
			close(batch)
			refused := 0
			for r := range raw.RemoveObjects(t.Context(), b.Name(), batch, minio.RemoveObjectsOptions{}) {
				t.Logf("%s: delete of a batch: %v", mode, r.Err)
				refused++
			}
			if refused != 1 {
				t.Errorf("%s: the server let a batch be deleted", mode)
			}
			if mode == blob.Compliance {
				if err := raw.RemoveObject(t.Context(), b.Name(), "a.mp3", minio.RemoveObjectOptions{VersionID: v.ID, GovernanceBypass: true}); err == nil {
					t.Error("the administrator went around COMPLIANCE")
				}
			}
			// Fonoteka, which does not even ask.
			for what, err := range map[string]error{
				"Remove": b.Remove(t.Context(), "a.mp3"), "RemoveVersion": b.RemoveVersion(t.Context(), "a.mp3", v.ID),
			} {
				if !errors.Is(err, blob.ErrRetained) {
					t.Errorf("%s: %s = %v", mode, what, err)
				}
			}
			if _, err := b.Stat(t.Context(), "a.mp3"); err != nil || len(versions(t, b, "")) != 1 {
				t.Errorf("%s: it is gone: %v", mode, err)
			}
		}
	})
}

func TestLegalHoldOutlivesRetention(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		url, deletions := s.watched(t)
		b := s.bucket(t, blob.Options{URL: url, Retention: blob.Retention{Mode: blob.Governance, For: blob.Period{Years: 3}}})
		put(t, b, "a.mp3")
		put(t, b, "b.mp3")
		if err := b.SetHold(t.Context(), "a.mp3", "", true); err != nil {
			t.Fatal(err)
		}
		raw := s.raw(t)
		soon := time.Now().Add(2 * time.Second).Truncate(time.Second)
		mode := minio.Governance
		for _, key := range []string{"a.mp3", "b.mp3"} {
			err := raw.PutObjectRetention(t.Context(), b.Name(), key, minio.PutObjectRetentionOptions{Mode: &mode, RetainUntilDate: &soon, GovernanceBypass: true})
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Until(soon.Add(time.Second))) // the server's clock decides
		l, err := b.Lock(t.Context(), "a.mp3", "")
		if err != nil || !l.Held || !l.Until.Before(time.Now()) {
			t.Fatalf("Lock = %+v, %v", l, err)
		}
		all := versions(t, b, "")
		for what, err := range map[string]error{
			"Remove": b.Remove(t.Context(), "a.mp3"), "RemoveVersion": b.RemoveVersion(t.Context(), "a.mp3", all[0].ID),
		} {
			if !errors.Is(err, blob.ErrHeld) {
				t.Errorf("%s = %v", what, err)
			}
		}
		if err := b.RemoveVersion(t.Context(), "b.mp3", all[1].ID); err != nil {
			t.Errorf("RemoveVersion of b.mp3, which nothing keeps: %v", err)
		}
		if n := deletions.Load(); n != 1 {
			t.Errorf("the server was asked %d times to delete, want once, for b.mp3", n)
		}
		left := versions(t, b, "")
		if len(left) != 1 || left[0].Key != "a.mp3" {
			t.Fatalf("left: %+v", left)
		}
		if err := b.SetHold(t.Context(), "a.mp3", left[0].ID, false); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time there is nothing left to remove
			if err := b.RemoveVersion(t.Context(), "a.mp3", left[0].ID); err != nil {
				t.Error(err)
			}
		}
		if left := versions(t, b, ""); len(left) != 0 {
			t.Errorf("left: %+v", left)
		}
	})
}

func TestDeletionIsMarkedWhereThereAreVersions(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{Retention: blob.Retention{Mode: blob.Governance, For: blob.Period{Days: 1}}})
		one := blob.Put{Size: int64(len(audio)), SHA256: digest(audio), Unretained: true}
		if err := b.Put(t.Context(), "a.mp3", bytes.NewReader(audio), one); err != nil {
			t.Fatal(err)
		}
		if l, err := b.Lock(t.Context(), "a.mp3", ""); err != nil || l != (blob.Lock{}) {
			t.Errorf("Lock = %+v, %v", l, err)
		}
		for range 2 { // a mark of deletion is as good as nothing
			if err := b.Remove(t.Context(), "a.mp3"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Stat(t.Context(), "a.mp3"); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("Stat = %v", err)
		}
		if _, err := b.Lock(t.Context(), "a.mp3", ""); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("Lock of what is marked as deleted = %v", err)
		}
		all := versions(t, b, "a.mp3")
		if len(all) != 2 || !all[0].Marker || !all[0].Latest || all[1].Marker {
			t.Fatalf("versions %+v", all)
		}
		for _, v := range all {
			if err := b.RemoveVersion(t.Context(), v.Key, v.ID); err != nil {
				t.Errorf("RemoveVersion = %v", err)
			}
		}
		if left := versions(t, b, ""); len(left) != 0 {
			t.Errorf("left: %+v", left)
		}
		put(t, b, "a.mp3") // the key is free again
	})
}

func TestBucketWithoutLockIsRefusedForRetention(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		url := s.url(t)
		plain := s.bucket(t, blob.Options{URL: url})
		if have, err := plain.Lockable(t.Context()); have || err != nil {
			t.Errorf("Lockable = %v, %v", have, err)
		}
		put(t, plain, "old.mp3")
		if err := plain.SetHold(t.Context(), "old.mp3", "", true); !errors.Is(err, blob.ErrNoLock) {
			t.Errorf("SetHold = %v", err)
		}
		rule := blob.Retention{Mode: blob.Compliance, For: blob.Period{Years: 1}}
		if err := s.open(t, blob.Options{URL: url, Retention: rule}).EnsureBucket(t.Context()); !errors.Is(err, blob.ErrNoLock) {
			t.Errorf("EnsureBucket = %v", err)
		}
		if s.name == "minio" {
			return // it cannot add Object Lock to a bucket
		}
		rule.Mode = blob.Governance
		own := s.open(t, blob.Options{URL: url, Retention: rule, Own: true})
		for range 2 {
			if err := own.EnsureBucket(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		put(t, own, "new.mp3")
		if err := own.Remove(t.Context(), "new.mp3"); !errors.Is(err, blob.ErrRetained) {
			t.Errorf("Remove = %v", err)
		}
		if err := own.Remove(t.Context(), "old.mp3"); err != nil {
			t.Errorf("Remove of an object from before = %v", err)
		}
	})
}

func TestRetentionMayDifferByPrefix(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{RetentionUnder: map[string]blob.Retention{
			"recordings/long/":  {Mode: blob.Governance, For: blob.Period{Years: 3}},
			"recordings/short/": {Mode: blob.Governance, For: blob.Period{Days: 2}},
		}})
		for folder, days := range map[string]int{"recordings/long/": 3 * 365, "recordings/short/": 2, "recordings/longer/": 0} {
			put(t, b, folder+"a.mp3")
			l, err := b.Lock(t.Context(), folder+"a.mp3", versions(t, b, folder)[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			if days == 0 && l.Mode == blob.NoRetention {
				continue
			}
			if kept := time.Until(l.Until).Hours() / 24; l.Mode != blob.Governance || kept < float64(days)-1 || kept > float64(days)+2 {
				t.Errorf("%s: %s for %.1f days", folder, l.Mode, kept)
			}
		}
	})
}
