package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/audit"
	"fonoteka/internal/blob"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
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
	cfg := &config{data: t.TempDir()}
	trail, err := audit.Open(audit.Options{
		Dir: cfg.auditDir(), Memory: cfg.memory(), Installation: "this-one", Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	in := anchors{b, func() error { return nil }}
	for range 3 {
		if err := trail.Log(t.Context(), audit.Entry{Actor: "anna", Action: "parking.set", Outcome: audit.Done}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(24 * time.Hour)
		s, err := trail.NewShipper(audit.ShipperOptions{Table: db, Anchors: in}) // as after a restart
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Ship(t.Context()), s.Anchor(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	r, err := trail.Verify(t.Context(), db, in)
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
	r, err = trail.Verify(t.Context(), db, anchors{gone, func() error { return nil }})
	if err != nil || r.Verdict() != audit.Found || !strings.Contains(fmt.Sprint(r), "gone from the bucket: 2026-03-02, 2026-03-03, 2026-03-04") {
		t.Errorf("a bucket that is not there: %+v, %v", r, err)
	}
	silent, err := blob.Open(blob.Options{URL: "s3://" + key + ":" + secret + "@127.0.0.1:1/x?secure=false"})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r, err = trail.Verify(t.Context(), db, anchors{silent, func() error { return nil }})
	if err != nil || r.Verdict() != audit.Unasked {
		t.Errorf("a store that does not answer: %+v, %v", r, err)
	}
}

func TestAnchorsAreKeptUnderTheFirmestRule(t *testing.T) {
	t.Parallel()
	rule := func(mode blob.Mode, span string) *blob.Retention {
		p, err := blob.ParsePeriod(span)
		if err != nil {
			t.Fatal(err)
		}
		return &blob.Retention{Mode: mode, For: p}
	}
	for name, c := range map[string]struct {
		all  blob.Retention
		own  []*blob.Retention
		want *blob.Retention // nil: that of all
	}{
		"none":             {blob.Retention{}, []*blob.Retention{nil}, nil},
		"of all":           {*rule(blob.Governance, "3y"), []*blob.Retention{nil}, nil},
		"of one":           {blob.Retention{}, []*blob.Retention{nil, rule(blob.Governance, "1y")}, rule(blob.Governance, "1y")},
		"the longest":      {*rule(blob.Governance, "3y"), []*blob.Retention{rule(blob.Governance, "5y"), rule(blob.Governance, "1y")}, rule(blob.Governance, "5y")},
		"the strictest":    {*rule(blob.Governance, "3y"), []*blob.Retention{rule(blob.Compliance, "1y")}, rule(blob.Compliance, "1y")},
		"one has none":     {*rule(blob.Governance, "3y"), []*blob.Retention{{}}, nil},
		"a shorter of one": {*rule(blob.Governance, "3y"), []*blob.Retention{rule(blob.Governance, "1y")}, nil},
	} {
		cfg := &config{retention: c.all}
		for i, r := range c.own {
			cfg.integrations = append(cfg.integrations, integration{name: fmt.Sprint("i", i), retention: r})
		}
		got, ok := cfg.retentions()["audit/"]
		if ok != (c.want != nil) || ok && got != *c.want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

func TestTheVaultRemembersTheAudit(t *testing.T) {
	t.Parallel()
	cfg := &config{data: filepath.Join(t.TempDir(), "data")}
	if m, err := cfg.memory().Recall(); err != nil || m != (audit.Remembered{}) {
		t.Errorf("without a data folder: %+v, %v", m, err)
	}
	if err := os.Mkdir(cfg.data, 0o700); err != nil {
		t.Fatal(err)
	}
	want := audit.Remembered{Writer: "w", Newest: audit.Point{Seq: 7, At: time.Date(2026, 3, 2, 12, 0, 0, 1e6, time.UTC), Hash: "h"}, Sealed: "2026-03-01"}
	if err := cfg.memory().Remember(t.Context(), func(m *audit.Remembered) { *m = want }); err != nil {
		t.Fatal(err)
	}
	got, err := cfg.memory().Recall()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	other := &config{data: cfg.data, key: strings.Repeat("k", 40)}
	if err := os.Rename(filepath.Join(cfg.data, "key"), filepath.Join(cfg.data, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if _, err := other.memory().Recall(); !errors.Is(err, state.ErrSealed) {
		t.Errorf("with another key: %v", err)
	}
}
