package system

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/sim"
	"fonoteka/internal/spool"
)

// deadWarehouse keeps notifications in the spool.
const deadWarehouse = "FONOTEKA_CLICKHOUSE_URL=clickhouse://user:password@127.0.0.1:1/fonoteka"

// withoutWarehouse starts serve with none that answers.
func (in *installation) withoutWarehouse() {
	in.t.Helper()
	env := in.env
	in.env = append(env[:len(env):len(env)], deadWarehouse)
	in.start()
	in.env = env
}

// spoolFile is the largest file of the spool that fits a pattern; of manifests the
// one that holds.
func (in *installation) spoolFile(pattern string) string {
	in.t.Helper()
	if pattern == "MANIFEST-*" {
		_, pattern, _ = strings.Cut(filepath.Ext(in.spoolFile("marker.manifest.*")), ".")
	}
	all, err := filepath.Glob(filepath.Join(in.dir, "spool", pattern))
	if err != nil || len(all) == 0 {
		in.t.Fatalf("no %s in the spool: %v", pattern, err)
	}
	best, most := "", int64(-1)
	for _, path := range all {
		if info, err := os.Stat(path); err == nil && info.Size() > most {
			best, most = path, info.Size()
		}
	}
	return best
}

// harm changes a file of the spool's; nil removes it.
func (in *installation) harm(pattern string, change func([]byte) []byte) {
	in.t.Helper()
	path := in.spoolFile(pattern)
	if change == nil {
		if err := os.Remove(path); err != nil {
			in.t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(bytes.Clone(data)), 0o600)
	}
	if err != nil {
		in.t.Fatal(err)
	}
}

func flippedInTheMiddle(b []byte) []byte { b[len(b)/2] ^= 1; return b }
func halved(b []byte) []byte             { return b[:len(b)/2] }
func rubbish(b []byte) []byte            { return bytes.Repeat([]byte("rubbish\n"), 1+len(b)/8) }

func (in *installation) damage() (all []spool.Report) {
	in.t.Helper()
	out, err := in.command("spool", "list", "--json")
	if err != nil {
		in.t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		var r spool.Report
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			in.t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// P1, P7: serve is killed while the spool holds notifications that the warehouse
// has not seen, and something in the spool is damaged. At the next start it takes
// notifications at once; what can be read arrives; what cannot is counted, and
// said by metrics, doctor and log until somebody acknowledges it.
func TestP1P7ServeGoesOnWithADamagedSpool(t *testing.T) {
	t.Parallel()
	in := install(t)
	posted, missing := 0, 0
	post := func(n int) {
		t.Helper()
		for range n {
			posted++
			if got := in.post(redirect+"/events", aCallNumbered(posted)); got != http.StatusOK {
				t.Fatalf("notification %d was answered %d", posted, got)
			}
		}
	}
	for round, k := range []struct {
		name, file string
		change     func([]byte) []byte
		most       int // that it may cost
		says       string
	}{
		{"a bit of the log", "*.log", flippedInTheMiddle, 1, "were acknowledged and are missing"},
		{"a log cut in the middle", "*.log", halved, 31, "were acknowledged and are missing"},
		{"no log", "*.log", nil, 60, "there is no log"},
		{"no table", "*.sst", nil, 30, "not exist"},
		{"no manifest", "MANIFEST-*", nil, 0, "could not open manifest"},
		{"no marker of the manifest", "marker.manifest.*", nil, 0, "nothing says which manifest holds"},
		{"rubbish for options", "OPTIONS-*", rubbish, 0, "invalid key=value"},
		{"no marker of the format", "marker.format-version.*", nil, 0, "not pristine"},
	} {
		in.withoutWarehouse()
		post(30)
		in.kill()
		in.withoutWarehouse() // brings those into a table
		post(30)
		in.kill()
		in.harm(k.file, k.change)
		in.start()
		post(1) // whatever else is not up yet

		in.ready()
		var r spool.Report
		in.until(k.name+": all is relayed", 2*time.Minute, func() bool {
			all := in.damage()
			if len(all) != round+1 {
				t.Fatalf("%s: %d damaged spools, want %d", k.name, len(all), round+1)
			}
			r = all[round]
			return r.Done()
		})
		lost := int(r.Found.Readers[warehouseCursor].Missing)
		missing += lost
		if lost > k.most || (k.most > 0) != (lost > 0) || !strings.Contains(r.Why, k.says) {
			t.Errorf("%s: %d are missing, want %d at most; said: %s", k.name, lost, k.most, r.Why)
		}
		in.eventually(time.Minute, fmt.Sprint(posted-missing), "SELECT count() FROM events")
		in.alarmed(k.name, r, lost)
		if out, err := in.command("spool", "acknowledge", r.Folder); err != nil || !strings.Contains(out, "is acknowledged") {
			t.Errorf("%s: acknowledge: %v\n%s", k.name, err, out)
		}
		if got := in.metric(fmt.Sprintf("fonoteka_spool_damage_unacknowledged{folder=%q}", r.Folder)); got != "" {
			t.Errorf("%s: the alarm goes on: %s", k.name, got)
		}
		in.stop()
	}
	t.Logf("%d posted, %d missing", posted, missing)
	in.start().ready()
	in.eventually(time.Minute, fmt.Sprint(posted-missing), "SELECT uniqExact(event_id) FROM events")
	in.eventually(time.Minute, fmt.Sprint(posted-missing), "SELECT count() FROM calls")
	if out, err := in.command("doctor", "spool"); err != nil || strings.Count(out, "acknowledged by") != 8 {
		t.Errorf("doctor: %v\n%s", err, out)
	}
	in.stop()
}

// alarmed looks whether everybody is told of a damaged spool.
func (in *installation) alarmed(name string, r spool.Report, lost int) {
	in.t.Helper()
	for series, want := range map[string]string{
		fmt.Sprintf(`fonoteka_spool_damage_unacknowledged{folder=%q}`, r.Folder):                              "1",
		fmt.Sprintf(`fonoteka_spool_damage_records{cursor="warehouse",folder=%q,state="missing"}`, r.Folder):  fmt.Sprint(lost),
		fmt.Sprintf(`fonoteka_spool_damage_records{cursor="warehouse",folder=%q,state="waiting"}`, r.Folder):  "0",
		fmt.Sprintf(`fonoteka_spool_damage_records{cursor="warehouse",folder=%q,state="relayed"}`, r.Folder):  fmt.Sprint(60 - lost),
		fmt.Sprintf(`fonoteka_spool_damage_records{cursor="recordings",folder=%q,state="waiting"}`, r.Folder): "0",
	} {
		if got := in.metric(series); got != want {
			in.t.Errorf("%s: %s is %q, want %q", name, series, got, want)
		}
	}
	out, err := in.command("doctor", "spool")
	if (lost > 0) != (err != nil) || !strings.Contains(out, r.Folder) || !strings.Contains(out, "fonoteka spool acknowledge") {
		in.t.Errorf("%s: doctor: %v\n%s", name, err, out)
	}
	if lost > 0 && !strings.Contains(out, fmt.Sprintf("%d missing", lost)) {
		in.t.Errorf("%s: doctor does not say that %d are missing:\n%s", name, lost, out)
	}
	text, _ := os.ReadFile(in.log.Name())
	if !strings.Contains(string(text), "folder="+r.Folder) || !strings.Contains(string(text), "missing="+fmt.Sprint(lost)) {
		in.t.Errorf("%s: the log does not name the folder and what is missing:\n%s", name, grep(string(text), "damaged"))
	}
}

// Nothing is lost where nothing that was kept is damaged: calls and recordings of
// a damaged spool come out as if it had not been.
func TestP1P3RecordingsOfADamagedSpoolAreArchived(t *testing.T) {
	t.Parallel()
	op := operate(t, sim.Options{Seed: 11, Calls: 40})
	in := install(t, op.hosts())
	in.withoutWarehouse()
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	in.kill()
	in.harm("OPTIONS-*", rubbish)
	in.start().ready()
	in.settled(op.Ledger())
	in.keepsToItself(op.Ledger())
	in.stop()
}

// A spool of a newer program is refused with that reason, and stays as it is.
func TestServeRefusesASpoolOfANewerFormat(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.withoutWarehouse()
	in.post(redirect+"/events", aCallNumbered(1))
	in.stop()
	marker := in.spoolFile("marker.format-version.*")
	newer := filepath.Join(filepath.Dir(marker), "marker.format-version.000999.999")
	if err := os.Rename(marker, newer); err != nil {
		t.Fatal(err)
	}
	serve, said := in.program("serve", "--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0", "--redirect-uri", "http://127.0.0.1"+redirect)
	if err := serve.Wait(); err == nil || !strings.Contains(said.stderr.String(), "unknown format major version 999") {
		t.Errorf("serve ended with %v:\n%s%s", err, &said.stdout, &said.stderr)
	}
	if all := in.damage(); len(all) > 0 {
		t.Errorf("it was put aside: %v", all)
	}
	if err := os.Rename(newer, marker); err != nil {
		t.Fatal(err)
	}
	in.start().ready()
	in.eventually(time.Minute, "1", "SELECT count() FROM events")
	in.stop()
}

// By hand: a copy of a spool is relayed beside a running serve, and on a stopped
// installation. The copy stays as it is.
func TestReplayFromASpoolsCopy(t *testing.T) {
	t.Parallel()
	other := install(t)
	other.withoutWarehouse()
	for n := range 20 {
		other.post(redirect+"/events", aCallNumbered(n))
	}
	other.kill()
	backup := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(backup, os.DirFS(filepath.Join(other.dir, "spool"))); err != nil {
		t.Fatal(err)
	}
	var files []string
	look := func() (sizes []string) {
		t.Helper()
		all, err := os.ReadDir(backup)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			info, _ := f.Info()
			sizes = append(sizes, fmt.Sprint(f.Name(), info.Size(), info.ModTime()))
		}
		return sizes
	}
	files = look()
	for _, running := range []bool{true, false} {
		in := install(t).start().ready()
		if !running {
			in.stop()
		}
		out, err := in.command("replay", "--from-spool", backup)
		if err != nil || !strings.Contains(out, "20 notifications relayed again") || !strings.Contains(out, "can be read") {
			t.Errorf("running %t: %v\n%s", running, err, out)
		}
		out, err = in.command("replay", "--from-spool", backup, "--from", "2099-01-01")
		if err != nil || !strings.Contains(out, "0 notifications relayed again") {
			t.Errorf("running %t: in the future: %v\n%s", running, err, out)
		}
		if _, err := in.command("replay", "--from-spool", filepath.Join(in.dir, "spool")); err == nil || !strings.Contains(err.Error(), "is the spool in use") {
			t.Errorf("running %t: its own spool: %v", running, err)
		}
		if _, err := in.command("replay", "--from-spool", t.TempDir()); err == nil || !strings.Contains(err.Error(), "there is no spool") {
			t.Errorf("running %t: an empty folder: %v", running, err)
		}
		if !running {
			in.start().ready()
		}
		in.eventually(time.Minute, "20\t20", "SELECT (SELECT count() FROM events), (SELECT count() FROM calls)")
		in.stop()
	}
	if got := look(); strings.Join(got, "\n") != strings.Join(files, "\n") {
		t.Errorf("the copy was changed:\n%s\nwas\n%s", got, files)
	}
}
