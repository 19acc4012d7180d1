package installation

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/blob"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/trails"
)

// Days are anchored in a real bucket, under Object Lock, and compared with it.
func TestTheAuditIsAnchoredInTheBucket(t *testing.T) {
	t.Parallel()
	native, http, user, password := embeddedtest.ClickHouse(t)
	name := strings.ToLower(rand.Text())
	db, err := warehouse.Open(warehouse.Options{Addrs: []string{native}, HTTPAddr: http, User: user, Password: password, Database: "audit_" + name})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	addr, key, secret := embeddedtest.S3(t)
	retention, err := blob.ParsePeriod("1d")
	if err != nil {
		t.Fatal(err)
	}
	b, err := blob.Open(blob.Options{URL: "s3://" + key + ":" + secret + "@" + addr + "/audit-" + name + "?secure=false", Retention: blob.Retention{Mode: blob.Governance, For: retention}, Own: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := errors.Join(db.Migrate(t.Context(), nil), b.EnsureBucket(t.Context())); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	cfg := &settings.Config{Data: t.TempDir()}
	trail, err := audit.Open(audit.Options{
		Dir: auditDir(cfg), Memory: Memory(cfg), Installation: "this-one", Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	in := NewAnchors(b, func() error { return nil })
	for range 3 {
		if err := trail.Log(t.Context(), audit.Entry{Actor: "anna", Action: "parking.set", Outcome: audit.Done}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(24 * time.Hour)
		s, err := trail.NewShipper(audit.ShipperOptions{Table: trails.New(db), Anchors: in}) // as after a restart
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Ship(t.Context()), s.Anchor(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	r, err := trail.Verify(t.Context(), trails.New(db), in)
	if err != nil || r.Verdict() != audit.Whole || len(r.Chains) != 1 || r.Chains[0].Anchors != 3 || r.Chains[0].Waiting != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	keys, err := in.AnchorKeys(t.Context(), "audit/")
	if err != nil || len(keys) != 3 {
		t.Fatalf("%v, %v", keys, err)
	}
	if err := b.Remove(t.Context(), keys[0]); err == nil {
		t.Error("an anchor under Object Lock was removed")
	}
	if err := in.PutAnchor(t.Context(), keys[0], []byte("forged")); !errors.Is(err, blob.ErrExists) {
		t.Errorf("an anchor was written over: %v", err)
	}
	// Without the lock somebody deletes one, and then the bucket.
	for _, key := range keys[1:] {
		if err := b.Remove(t.Context(), key); err == nil {
			t.Errorf("%s was removed", key)
		}
	}
	gone, err := blob.Open(blob.Options{URL: "s3://" + key + ":" + secret + "@" + addr + "/audit-none-" + name + "?secure=false"})
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	r, err = trail.Verify(t.Context(), trails.New(db), NewAnchors(gone, func() error { return nil }))
	if err != nil || r.Verdict() != audit.Found || !strings.Contains(fmt.Sprint(r), "gone from the bucket: 2026-03-02, 2026-03-03, 2026-03-04") {
		t.Errorf("a bucket that is not there: %+v, %v", r, err)
	}
	silent, err := blob.Open(blob.Options{URL: "s3://" + key + ":" + secret + "@127.0.0.1:1/x?secure=false"})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r, err = trail.Verify(t.Context(), trails.New(db), NewAnchors(silent, func() error { return nil }))
	if err != nil || r.Verdict() != audit.Unasked {
		t.Errorf("a store that does not answer: %+v, %v", r, err)
	}
}
