package system

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/exitcode"
	"fonoteka/internal/pack"
	"fonoteka/internal/sim"
	"fonoteka/internal/testenv"
)

// everything chooses all calls of a story.
var everything = []string{"--from", "2000-01-01"}

// signs makes the key of an installation, and returns its public half and fingerprint.
func (in *installation) signs() (public, fingerprint string) {
	in.t.Helper()
	out, err := in.command("keys", "create", "--json")
	var key struct {
		Public      string `json:"public_key"`
		Fingerprint string `json:"fingerprint"`
	}
	if err == nil {
		err = json.Unmarshal([]byte(out), &key)
	}
	if err != nil {
		in.t.Fatal(err, out)
	}
	return key.Public, key.Fingerprint
}

// exported runs an export that must end with a status.
func (in *installation) exported(want int, args ...string) (stdout, stderr string) {
	in.t.Helper()
	stdout, stderr, status := in.exits(append([]string{"export"}, args...)...)
	if status != want {
		in.t.Fatalf("export %q: exit status %d, want %d:\n%s%s", args, status, want, stdout, stderr)
	}
	return stdout, stderr
}

// inside runs a program of others within a folder.
func inside(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// packed are the calls of a package.
func packed(t *testing.T, dir string) (calls []pack.Call) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, pack.CallsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := pack.EachLine(f, func(c pack.Call) error {
		calls = append(calls, c)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return calls
}

// statusOf is what an export of calls ends with: some were answered, and the operator
// announced no recording of them.
func statusOf(calls []sim.LedgerCall) int {
	for _, c := range calls {
		if c.Answered && len(c.Recordings) == 0 {
			return 6
		}
	}
	return 0
}

// An installation writes a package, beside serve and stopped; this program and three of
// others check it.
func TestAPackageIsWrittenAndCheckedByOthers(t *testing.T) {
	t.Parallel()
	sha256sum, sha512sum, minisign, unzip := testenv.Need(t, "sha256sum"), testenv.Need(t, "sha512sum"), testenv.Need(t, "minisign"), testenv.Need(t, "unzip")
	in, _, l := filled(t, sim.Options{Seed: 24, Calls: 40, Connections: 8})
	in.eventually(time.Minute, fmt.Sprint(len(l.Calls)), "SELECT count() FROM calls")
	ending := statusOf(l.Calls)
	public, fingerprint := in.signs()
	tmp := t.TempDir()
	dir, zip := filepath.Join(tmp, "package"), filepath.Join(tmp, "package.zip")
	if _, body, err := in.listen(in.sql("SELECT recording_id FROM recordings WHERE state = 'archived' ORDER BY key LIMIT 1")); err != nil || len(body) == 0 {
		t.Fatal(err)
	}

	out, _ := in.exported(0, append(everything, "--dry-run", "-o", dir)...)
	has(t, out, fmt.Sprintf("Calls:       %d,", len(l.Calls)), "Package:     about", "Space:")
	if _, err := os.Stat(dir); err == nil {
		t.Error("a preview has written something")
	}
	out, said := in.exported(ending, append(everything, "--case", "A40-1/2026", "--reason", "request of Ivanov", "-o", dir)...)
	has(t, out, "Wrote "+dir, fingerprint)
	has(t, said, "Calls:", "Space:")
	if left, _ := filepath.Glob(dir + ".*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if out, stderr, status := output(t, "verify", dir, "--fingerprint", fingerprint, "--lang", "en"); status != 0 {
		t.Errorf("verify: %d\n%s%s", status, out, stderr)
	}
	inside(t, dir, sha256sum, "-c", "--quiet", "manifest-sha256.txt", "tagmanifest-sha256.txt")
	inside(t, dir, sha512sum, "-c", "--quiet", "manifest-sha512.txt", "tagmanifest-sha512.txt")
	inside(t, dir, minisign, "-Vm", "tagmanifest-sha256.txt", "-P", public)

	// What is in it is what the operator told.
	in.packageIs(dir, l)
	in.auditTells(dir)

	out, _, status := in.exits("export", "check", dir)
	if has(t, out, "THIS INSTALLATION WROTE IT"); status != 0 {
		t.Errorf("check: %d\n%s", status, out)
	}
	has(t, in.sql("SELECT state, reason, case_name, calls, destination FROM exports"), "done\trequest of Ivanov\tA40-1/2026\t"+fmt.Sprint(len(l.Calls))+"\t"+dir)
	out, _, _ = in.exits("export", "list")
	has(t, out, "A40-1/2026", "request of Ivanov", "done")

	// Stopped, as a zip, and as a tar into a pipe.
	in.stop()
	_, said = in.exported(ending, append(everything, "--sign-with", `cd "$(dirname "$1")" && sha256sum tagmanifest-sha256.txt > "$2"`, "--sign-with-ext", "p7s", "--tsa", "http://127.0.0.1:1/", "-o", zip)...)
	has(t, said, "there is no time stamp")
	inside(t, tmp, unzip, "-tq", zip)
	inside(t, tmp, unzip, "-q", zip, "-d", "unzipped")
	inside(t, filepath.Join(tmp, "unzipped", "package"), sha256sum, "-c", "--quiet", "manifest-sha256.txt", "tagmanifest-sha256.txt", "tagmanifest-sha256.txt.p7s")
	if out, _, status := output(t, "verify", zip, "--key", public); status != 0 {
		t.Errorf("verify: %d\n%s", status, out)
	}
	tar, err := os.Create(filepath.Join(tmp, "package.tar"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := in.prepare(append([]string{"export", "-o", "-", "--work", filepath.Join(tmp, "w")}, everything...)...)
	cmd.Stdout = tar
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != ending {
		t.Error(err)
	}
	if out, _, status := output(t, "verify", tar.Name(), "--key", public); status != 0 {
		t.Errorf("verify the tar: %d\n%s", status, out)
	}
	if _, err := os.Stat(filepath.Join(tmp, "w")); err == nil {
		t.Error("the work folder was left behind")
	}

	// A package that was changed is none that this installation wrote.
	flip(t, filepath.Join(dir, pack.MissingFile))
	if out, _, status := in.exits("export", "check", dir); status != 3 {
		t.Errorf("check of an altered one: %d\n%s", status, out)
	}
}

// packageIs holds a package against what the operator told.
func (in *installation) packageIs(dir string, l sim.Ledger) {
	t := in.t
	t.Helper()
	told := map[string]sim.LedgerCall{}
	for _, c := range l.Calls {
		told[c.PlatformCallID] = c
	}
	digests := map[string]string{}
	f, err := os.Open(filepath.Join(dir, pack.FilesFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := pack.EachFile(f, func(f pack.File) error {
		digests[f.RecordingID] = f.SHA256
		return nil
	}); err != nil {
		t.Error(err)
	}
	calls := packed(t, dir)
	if len(calls) != len(told) {
		t.Errorf("%d calls, the operator told of %d", len(calls), len(told))
	}
	for _, c := range calls {
		w := told[c.PlatformCallID]
		var have, want []string
		for _, id := range c.Recordings {
			have = append(have, digests[id])
		}
		for _, r := range w.Recordings {
			want = append(want, r.SHA256)
		}
		slices.Sort(have)
		slices.Sort(want)
		got := []any{c.Direction, c.StartedAt.Unix(), c.Outcome == pack.Answered, c.TalkMS, c.ClientNumber, c.ExternalNumber, have}
		if diff := cmp.Diff([]any{w.Direction, w.StartedAt.Unix(), w.Answered, w.TalkMillis, w.ClientNumber, w.ExternalNumber, want}, got); diff != "" {
			t.Errorf("call %s:\n%s", c.PlatformCallID, diff)
		}
	}
	f2, err := os.Open(filepath.Join(dir, pack.CustodyFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f2.Close()
	chains, listened := 0, 0
	if err := pack.EachCustody(f2, func(c pack.Custody) error {
		if chains++; len(c.Steps) < 4 {
			t.Errorf("recording %s has %d steps", c.RecordingID, len(c.Steps))
		}
		listened += len(c.Statements)
		return nil
	}); err != nil || chains != recordings(l) || listened != 1 {
		t.Errorf("%d chains for %d recordings, %d entries of the audit, want 1: %v", chains, recordings(l), listened, err)
	}
}

// auditTells looks at what the audit and custody have of an export.
func (in *installation) auditTells(dir string) {
	in.t.Helper()
	files := in.sql("SELECT count() FROM recordings WHERE state = 'archived'")
	in.eventually(time.Minute, "begun+done", "SELECT arrayStringConcat(arraySort(groupArray(toString(outcome))), '+') FROM audit WHERE action = 'export.package' AND target = 'A40-1/2026'")
	in.eventually(time.Minute, "0", "SELECT countIf(detail LIKE '%%Ivanov%%' OR target LIKE '%%Ivanov%%') FROM audit")
	in.eventually(time.Minute, files, "SELECT count() FROM custody WHERE step = 'exported'")
	manifest := inside(in.t, dir, "sha256sum", "tagmanifest-sha256.txt")[:64]
	has(in.t, in.sql("SELECT manifest_sha256 FROM exports WHERE case_name = 'A40-1/2026'"), manifest)
	has(in.t, in.sql("SELECT detail FROM audit WHERE action = 'export.package' AND outcome = 'done'"), manifest)
}

// Each choice selects what the simulator's own story has, and nothing else.
func TestSelectionsAreThoseOfTheStory(t *testing.T) {
	t.Parallel()
	in, _, l := filled(t, sim.Options{Seed: 25, Calls: 60, Connections: 8, Since: time.Now().Add(-40 * 24 * time.Hour)})
	in.eventually(time.Minute, fmt.Sprint(len(l.Calls)), "SELECT count() FROM calls")
	calls := slices.SortedFunc(slices.Values(l.Calls), func(a, b sim.LedgerCall) int { return a.StartedAt.Compare(b.StartedAt) })
	from, to := calls[len(calls)/4].StartedAt, calls[len(calls)*3/4].StartedAt
	var outside, recorded sim.LedgerCall
	for _, c := range calls {
		if c.ClientNumber != "" && len(c.ClientNumber) == 11 {
			outside = c
		}
		if len(c.Recordings) > 0 {
			recorded = c
		}
	}
	spelt := "8 (" + outside.ClientNumber[1:4] + ") " + outside.ClientNumber[4:7] + "-" + outside.ClientNumber[7:9] + "-" + outside.ClientNumber[9:]
	account := ""
	for _, leg := range recorded.Legs {
		if leg.Answered && leg.Kind == "workplace" {
			account = leg.AccountID
		}
	}
	recording := in.sql("SELECT recordings[1] FROM calls WHERE platform_call_id = '%s'", recorded.PlatformCallID)
	ours := in.sql("SELECT call_id FROM calls WHERE platform_call_id = '%s'", calls[0].PlatformCallID)
	ids := filepath.Join(t.TempDir(), "ids.txt")
	if err := os.WriteFile(ids, []byte(recording+"\r\n"+ours+"\n\nnothing-has-this\n"+calls[1].PlatformCallID+"~1o\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	among := func(all ...sim.LedgerCall) func(sim.LedgerCall) bool {
		return func(c sim.LedgerCall) bool {
			return slices.ContainsFunc(all, func(o sim.LedgerCall) bool { return o.PlatformCallID == c.PlatformCallID })
		}
	}
	for name, choice := range map[string]struct {
		flags []string
		takes func(sim.LedgerCall) bool
	}{
		"time": {[]string{"--from", from.Format(time.RFC3339), "--to", to.Format(time.RFC3339)}, func(c sim.LedgerCall) bool { return !c.StartedAt.Before(from) && c.StartedAt.Before(to) }},
		"number": {[]string{"--number", spelt}, func(c sim.LedgerCall) bool {
			return c.ClientNumber == outside.ClientNumber || c.ExternalNumber == outside.ClientNumber
		}},
		"two numbers": {[]string{"--number", "+" + outside.ClientNumber, "--number", outside.ExternalNumber}, func(c sim.LedgerCall) bool {
			return c.ClientNumber == outside.ClientNumber || c.ExternalNumber == outside.ExternalNumber
		}},
		"direction": {[]string{"--direction", "outgoing"}, func(c sim.LedgerCall) bool { return c.Direction == "outgoing" }},
		"outcome":   {[]string{"--outcome", "answered", "--direction", "incoming"}, func(c sim.LedgerCall) bool { return c.Answered && c.Direction == "incoming" }},
		"employee": {[]string{"--employee", account, "--outcome", "answered", "--direction", "incoming"}, func(c sim.LedgerCall) bool {
			return c.Answered && c.Direction == "incoming" && slices.ContainsFunc(c.Legs, func(l sim.LedgerLeg) bool { return l.Answered && l.AccountID == account })
		}},
		"integration": {[]string{"--integration", "main"}, func(sim.LedgerCall) bool { return true }},
		"another":     {[]string{"--integration", "nobody"}, func(sim.LedgerCall) bool { return false }},
		"ids":         {[]string{"--ids", ids}, among(recorded, calls[0], calls[1])},
		"call":        {[]string{"--call", recording}, among(recorded)},
	} {
		dir := filepath.Join(t.TempDir(), "package")
		var want, got []string
		var taken []sim.LedgerCall
		for _, c := range calls {
			if choice.takes(c) {
				want, taken = append(want, c.PlatformCallID), append(taken, c)
			}
		}
		status := statusOf(taken)
		if name == "ids" {
			status = 6
		}
		in.exported(status, append(choice.flags, "--unsigned", "-o", dir)...)
		for _, c := range packed(t, dir) {
			got = append(got, c.PlatformCallID)
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-story +package):\n%s", name, diff)
		}
		if out, _, status := output(t, "verify", dir, "--lang", "en"); status != 7 {
			t.Errorf("%s: verify: %d\n%s", name, status, out)
		}
		if name == "ids" {
			missing, err := os.ReadFile(filepath.Join(dir, pack.MissingFile))
			if has(t, string(missing), "nothing-has-this;;not-found"); err != nil || strings.Contains(string(missing), ours+";;not-found") {
				t.Errorf("%s", missing)
			}
		}
	}
	for _, wrong := range [][]string{
		{"-o", "x"},
		{"--call", "1", "--from", "2026-01-01", "-o", "x"},
		{"--from", "24h", "-o", "x"},
		{"--number", "nobody", "-o", "x"},
		{"--outcome", "gone", "-o", "x"},
		{"--employee", "Nobody Nowhere", "-o", "x", "--unsigned"},
		{"--from", "2026-02-01", "--to", "2026-01-01", "-o", "x"},
		{"--from", "2026-01-01"},
	} {
		want := exitcode.Usage
		if wrong[0] == "--employee" { // the directory knows nobody of this name
			want = exitcode.NotFound
		}
		if out, _, status := in.exits(append([]string{"export"}, wrong...)...); status != int(want) {
			t.Errorf("export %q: exit status %d\n%s", wrong, status, out)
		}
	}
}

// What the disk did to recordings is listed, and everything else is whole.
func TestAPackageListsWhatTheStoreLost(t *testing.T) {
	t.Parallel()
	in, _, l := filled(t, sim.Options{Seed: 26, Calls: 40, Connections: 8}, "FONOTEKA_SCRUB_DAYS=0")
	in.eventually(time.Minute, fmt.Sprint(len(l.Calls)), "SELECT count() FROM calls")
	public, _ := in.signs()
	keys := in.keys()
	altered, removed, cut := keys[0], keys[1], keys[2]
	flip(t, in.object(altered))
	if err := os.Remove(in.object(removed)); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(in.object(cut))
	if err == nil {
		err = os.WriteFile(in.object(cut), body[:len(body)/2], 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "package")
	in.exported(6, append(everything, "-o", dir)...)
	if out, _, status := output(t, "verify", dir, "--key", public, "--lang", "en"); status != 0 {
		t.Errorf("verify: %d\n%s", status, out)
	}
	roles := map[pack.Role]int{}
	wrong := map[string]pack.File{}
	f, err := os.Open(filepath.Join(dir, pack.FilesFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := pack.EachFile(f, func(row pack.File) error {
		if roles[row.Role]++; row.Role != pack.Played {
			wrong[row.RecordingID] = row
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[pack.Role]int{pack.Played: recordings(l) - 3, pack.Differs: 2, pack.Absent: 1}, roles); diff != "" {
		t.Error(diff)
	}
	for key, code := range map[string]string{altered: "altered", cut: "altered", removed: "absent"} {
		id := in.sql("SELECT recording_id FROM recordings WHERE key = '%s'", key)
		if w := wrong[id]; w.Code != code || code == "altered" && (len(w.FoundSHA256) != 64 || w.FoundSHA256 == w.SHA256) {
			t.Errorf("%s: %+v, want %s with both digests", key, w, code)
		}
	}
}

// payload are the lines of a package's manifest, without the two files that name the
// moment at which it was begun.
func payload(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "manifest-sha256.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, pack.CallsXLSX) && !strings.Contains(line, "index-data-000") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// The command is killed at random, and started again: the package is the same.
func TestAKilledExportGoesOn(t *testing.T) {
	t.Parallel()
	in, _, l := filled(t, sim.Options{Seed: 27, Calls: 60, Connections: 8})
	in.eventually(time.Minute, fmt.Sprint(len(l.Calls)), "SELECT count() FROM calls")
	in.signs()
	status, tmp := statusOf(l.Calls), t.TempDir()
	whole := filepath.Join(tmp, "whole")
	began := time.Now()
	in.exported(status, append(everything, "--case", "C", "-o", whole)...)
	takes := time.Since(began)
	want := payload(t, whole)
	killed := 0
	for n := range 20 {
		dir := filepath.Join(tmp, fmt.Sprint(n))
		args := append([]string{"export", "--case", "C", "-o", dir}, everything...)
		cmd := in.prepare(args...)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(rand.Int64N(int64(takes)))
		time.Sleep(after)
		_ = cmd.Process.Kill()
		if err := cmd.Wait(); err != nil && !cmd.ProcessState.Exited() {
			killed++
			in.exported(status, args[1:]...)
		}
		if got := payload(t, dir); got != want {
			t.Errorf("killed after %v of %v: another package:\n%s", after, takes, cmp.Diff(want, got))
		}
		if out, _, status := output(t, "verify", dir, "--lang", "en"); status != 7 {
			t.Errorf("killed after %v of %v: verify: %d\n%s", after, takes, status, out)
		}
	}
	if killed < 10 {
		t.Errorf("only %d of 20 were killed on their way", killed)
	}
}
