package system

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/state"
)

// ends runs a command and returns its exit status and all it said.
func (in *installation) ends(args ...string) (status int, said string) {
	in.t.Helper()
	out, errOut, status := in.exits(args...)
	return status, out + errOut
}

// rememberedAudit is what the installation's vault knows of the audit.
func (in *installation) rememberedAudit() (m audit.Remembered, err error) {
	vault, err := state.OpenVault(in.dir, "")
	if err == nil {
		err = vault.Load("audit", &m)
	}
	return m, err
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
		m, err := in.rememberedAudit()
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
	expect("no such day", 2, "is not a day", "custody", "verify", "--from", "yesterday")
}
