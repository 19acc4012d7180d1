package main

import (
	"bytes"
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
	if day := cfg.custodySealed()(); day != time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) {
		t.Errorf("custody is sealed until %v", day)
	}
	other := &config{data: cfg.data, key: strings.Repeat("k", 40)}
	if err := os.Rename(filepath.Join(cfg.data, "key"), filepath.Join(cfg.data, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if _, err := other.memory().Recall(); !errors.Is(err, state.ErrSealed) {
		t.Errorf("with another key: %v", err)
	}
	if day := other.custodySealed()(); !day.IsZero() {
		t.Errorf("with another key custody is sealed until %v", day)
	}
}

// ends runs a command and returns its exit status and all it said.
func (in *installation) ends(args ...string) (status int, said string) {
	in.t.Helper()
	var out, errOut bytes.Buffer
	status = cliRun(in.t.Context(), append([]string{"fonoteka"}, append(args, "--data", in.dir)...), &out, &errOut)
	return status, out.String() + errOut.String()
}

// An installation of some days, seen from outside: its files and tables are
// attacked, and the commands and the running serve say so.
func TestAttacksOnAuditAndCustodyShowFromOutside(t *testing.T) {
	t.Parallel()
	in := install(t)
	past := time.Now().UTC().AddDate(0, 0, -3)
	for day := range 3 { // before serve is there, as if it had been
		trail, err := audit.Open(audit.Options{Dir: filepath.Join(in.dir, "audit"), Now: func() time.Time { return past.AddDate(0, 0, day) }})
		if err == nil {
			err = trail.Log(t.Context(), audit.Entry{Actor: "anna", Action: "parking.set", Outcome: audit.Done})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	in.start().ready()
	day := func(n int) string { return past.AddDate(0, 0, n).Format(time.DateOnly) }
	in.exec(fmt.Sprintf("INSERT INTO custody (integration, recording_id, at, step, written_on) VALUES ('main', 'r0', now64(3), 'stored', '%s'), ('main', 'r1', now64(3), 'stored', '%s')", day(0), day(1)))
	expect := func(what string, want int, words string, args ...string) {
		t.Helper()
		if got, said := in.ends(args...); got != want || !strings.Contains(said, words) {
			t.Errorf("%s: %v ended with %d, want %d and %q:\n%s", what, args, got, want, words, said)
		}
	}
	in.stop()
	in.start().ready() // days are anchored and sealed
	in.until("the days are anchored and checked", time.Minute, func() bool {
		_, said := in.ends("audit", "verify")
		return strings.Contains(said, "3 anchors") && in.metric("fonoteka_audit_checked_timestamp_seconds") != "0"
	})
	in.until("the days are sealed", time.Minute, func() bool {
		status, _ := in.ends("custody", "verify")
		return status == 0
	})
	in.until("the seals are remembered", time.Minute, func() bool {
		m, err := (&config{data: in.dir}).memory().Recall()
		return err == nil && m.Anchored.Seq == 3 && m.Newest.Seq > 3
	})
	expect("untouched", 0, "whole", "audit", "verify")
	expect("untouched", 0, "3 days as sealed, with 2 steps", "custody", "verify")
	expect("a day", 0, `"result":"same"`, "custody", "verify", "--json", "--from", day(1), "--to", day(1))

	in.exec("ALTER TABLE custody DELETE WHERE recording_id = 'r1' SETTINGS mutations_sync = 2")
	expect("a step taken out", 3, day(1)+"  ! 0 steps, sealed with 1", "custody", "verify")
	expect("on another day", 0, "1 day as sealed", "custody", "verify", "--to", day(0))
	in.exec(fmt.Sprintf("INSERT INTO custody (integration, recording_id, at, step, written_on) VALUES ('main', 'r9', now64(3), 'stored', '%s')", day(1)))
	expect("another put in its place", 3, day(1)+"  ! altered: 1 step, and another digest", "custody", "verify")

	file := filepath.Join(in.dir, "audit", "chain.jsonl")
	kept := read(t, file)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, serves := range []bool{true, false} {
		if !serves {
			in.stop()
		}
		write(strings.Replace(kept, `"actor":`, `"note":"approved","actor":`, 1))
		expect("another key", 3, "line 1 of the file does not read as it was written", "audit", "verify")
		expect("another key", 3, "the audit, which holds the seals: found", "custody", "verify", "--to", day(0))
		write("")
		expect("emptied", 3, "the file is gone or empty", "audit", "verify")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		expect("gone", 3, "the file is gone or empty", "audit", "verify")
		write(kept)
		expect("as it was", 0, "whole", "audit", "verify")
	}
	name := in.object("audit/" + strings.Split(kept, `"`)[5] + "/" + day(1) + ".json")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	expect("an anchor gone", 3, "anchors that were put are gone from the bucket: "+day(1), "audit", "verify")
	in.start()
	in.until("serve tells it", time.Minute, func() bool { return in.metric("fonoteka_audit_anchors_gone") == "1" })
	expect("no such day", 1, "is not a day", "custody", "verify", "--from", "yesterday")
}
