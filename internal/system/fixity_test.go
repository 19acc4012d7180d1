package system

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/embedded"
	"fonoteka/internal/sim"
	"fonoteka/internal/state"
)

// object is the file of an object in the embedded store.
func (in *installation) object(key string) string {
	in.t.Helper()
	found := ""
	_ = filepath.WalkDir(filepath.Join(in.dir, "s3"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, "/"+bucketName+"/"+key) {
			found = path
		}
		return nil
	})
	if found == "" {
		in.t.Fatalf("no file of object %s", key)
	}
	return found
}

// flip changes one byte in the middle of a file.
func flip(t *testing.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b, info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

// exec runs SQL as the writer.
func (in *installation) exec(sql string) {
	in.t.Helper()
	v, err := state.Read(in.dir)
	if err != nil {
		in.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+local(v.Ports.ClickHouseHTTP)+"/?database="+embedded.ClickHouseDatabase, strings.NewReader(sql))
	if err != nil {
		in.t.Fatal(err)
	}
	req.SetBasicAuth(embedded.ClickHouseWriter, v.ClickHouseWriterPassword)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		in.t.Fatalf("%s: %s", sql, resp.Status)
	}
}

// keys are those of the archived recordings.
func (in *installation) keys() []string {
	return strings.Split(in.sql("SELECT key FROM recordings WHERE state = 'archived' ORDER BY key"), "\n")
}

// filled is an installation with recordings in it.
func filled(t *testing.T, o sim.Options, env ...string) (*installation, *operator, sim.Ledger) {
	t.Helper()
	op := operate(t, o)
	in := install(t, append(env, op.hosts())...).start().ready()
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	l := op.Ledger()
	in.eventually(2*time.Minute, fmt.Sprint(recordings(l)), "SELECT count() FROM recordings WHERE state = 'archived'")
	return in, op, l
}

// scrubFinding is a line of scrub --json.
type scrubFinding struct {
	RecordingID    string  `json:"recording_id"`
	Result         string  `json:"result"`
	Part           string  `json:"part"`
	Key            string  `json:"key"`
	ExpectedSHA256 string  `json:"expected_sha256"`
	ExpectedSize   int64   `json:"expected_size"`
	FoundSHA256    string  `json:"found_sha256"`
	FoundSize      int64   `json:"found_size"`
	LastGood       *string `json:"last_good"`
}

func findings(t *testing.T, out string) map[string]scrubFinding {
	t.Helper()
	all := map[string]scrubFinding{}
	dec := json.NewDecoder(strings.NewReader(out))
	for dec.More() {
		var f scrubFinding
		if err := dec.Decode(&f); err != nil {
			t.Fatalf("%v in:\n%s", err, out)
		}
		if f.RecordingID != "" {
			all[f.Key] = f
		}
	}
	return all
}

func TestScrubFindsWhatIsNotAsItWasArchived(t *testing.T) {
	t.Parallel()
	in, _, l := filled(t, sim.Options{Seed: 71, Calls: 60, Connections: 8}, "FONOTEKA_SCRUB_DAYS=0")
	out, err := in.command("scrub")
	if err != nil || !strings.Contains(out, fmt.Sprintf("%d recordings read again", recordings(l))) {
		t.Fatalf("a whole archive: %v\n%s", err, out)
	}
	keys := in.keys()
	altered, absent, cut := keys[0], keys[1], keys[2]
	before := in.sql("SELECT sha256, size, key FROM recordings ORDER BY key")
	reason := in.sql("SELECT reason FROM recordings WHERE key = '%s'", altered) // its call may have talked for another time
	flip(t, in.object(altered))
	if err := os.Remove(in.object(absent)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(in.object(strings.TrimSuffix(cut, ".mp3")+".json"), 40); err != nil {
		t.Fatal(err)
	}
	for range 2 { // found again, it changes nothing more
		out, err = in.command("scrub", "--json")
		if err == nil || !strings.Contains(err.Error(), "3 recordings are not as archived") {
			t.Fatalf("exit: %v\n%s", err, out)
		}
		got := findings(t, out)
		if f := got[altered]; len(got) != 3 || f.Result != "altered" || f.Part != "recording" || f.FoundSHA256 == f.ExpectedSHA256 || f.FoundSize != f.ExpectedSize || f.LastGood == nil {
			t.Errorf("the altered one among %d: %+v", len(got), f)
		}
		if f := got[absent]; f.Result != "absent" || f.LastGood == nil {
			t.Errorf("the absent one: %+v", f)
		}
		if f := got[cut]; f.Result != "altered" || f.Part != "sidecar" || f.FoundSHA256 != f.ExpectedSHA256 {
			t.Errorf("the one with a cut sidecar: %+v", f)
		}
		if diff := cmp.Diff(before, in.sql("SELECT sha256, size, key FROM recordings ORDER BY key")); diff != "" {
			t.Errorf("the rows changed:\n%s", diff)
		}
		want := "archived\tabsent\t2\narchived\taltered\t2\narchived\taltered\t2"
		if got := in.sql("SELECT state, fault, attempt FROM recordings WHERE fault != '' ORDER BY fault"); got != want {
			t.Errorf("the catalogue says:\n%s", got)
		}
	}
	if got := in.sql("SELECT count(), uniqExact(sha256) FROM custody AS c JOIN recordings AS r ON r.recording_id = c.recording_id WHERE r.key = '%s' AND c.step = 'altered' AND c.sha256 != r.sha256", altered); got != "2\t1" {
		t.Errorf("custody of the altered one: %s", got)
	}
	if out, err := in.command("recordings", "list", "--limit", "1000"); err != nil || strings.Count(out, "last known good on") != 3 {
		t.Errorf("recordings list: %v\n%s", err, out)
	}
	if out, _, status := in.exits("recordings", "orphans"); status != 3 || !strings.Contains(out, "row without object: "+absent) || !strings.Contains(out, "1 orphan\n") {
		t.Errorf("orphans: %d\n%s", status, out)
	}
	// The bytes come back from a backup: the row is as it was.
	flip(t, in.object(altered))
	if out, err = in.command("scrub", "--rate", "50MB/s"); err == nil || strings.Contains(out, altered) {
		t.Errorf("after the restore: %v\n%s", err, out)
	}
	if got := in.sql("SELECT fault, reason FROM recordings WHERE key = '%s'", altered); got != "\t"+reason {
		t.Errorf("a recording that is right again has fault and reason %q, and had %q", got, reason)
	}
	in.stop()
}

func (in *installation) metric(name string) string {
	resp, err := http.Get("http://" + in.runtime().PrivateListen + "/metrics")
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	_, _ = b.ReadFrom(resp.Body)
	for line := range strings.Lines(b.String()) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// The background check finds damage, fetches the recording again while its link
// lives and keeps it beside, and goes on where it was after a restart.
func TestTheBackgroundCheckFindsAndRestores(t *testing.T) {
	t.Parallel()
	in, _, l := filled(t, sim.Options{Seed: 72, Calls: 60, Connections: 8}, "FONOTEKA_SCRUB_DAYS=0.0003")
	keys := in.keys()
	altered, absent := keys[0], keys[1]
	digests := in.sql("SELECT recording_id, sha256 FROM recordings ORDER BY recording_id")
	flip(t, in.object(altered))
	if err := os.Remove(in.object(absent)); err != nil {
		t.Fatal(err)
	}
	in.until("both are fetched again", 2*time.Minute, func() bool { return in.metric(`fonoteka_fixity_restored_total{how="fetched"}`) == "2" })
	if in.metric(`fonoteka_fixity_checked_total{result="altered"}`) == "0" || in.metric(`fonoteka_fixity_checked_total{result="absent"}`) == "0" {
		t.Error("the metrics do not show what was found")
	}
	beside := strings.TrimSuffix(altered, ".mp3") + "."
	in.eventually(10*time.Second, "1", "SELECT count() FROM recordings WHERE startsWith(key, '%s') AND former_key != ''", beside)
	if diff := cmp.Diff(digests, in.sql("SELECT recording_id, sha256 FROM recordings ORDER BY recording_id")); diff != "" {
		t.Errorf("digests:\n%s", diff)
	}
	if out, err := in.command("scrub"); err != nil {
		t.Errorf("after the repair: %v\n%s", err, out)
	}
	if _, err := os.Stat(in.object(altered)); err != nil {
		t.Errorf("the damaged object was touched: %v", err)
	}
	in.until("a pass ends", 2*time.Minute, func() bool { return in.metric("fonoteka_fixity_last_pass_timestamp_seconds") != "0" })
	in.stop()
	if got := in.sql("SELECT JSONExtractUInt(position, 'checked') > 0 OR JSONExtractString(position, 'ended') != '' FROM progress WHERE name = 'fixity'"); got != "true" && got != "1" {
		t.Errorf("the position: %s", got)
	}
	checks := in.sql("SELECT count() FROM custody WHERE step = 'verified'")
	in.start().ready()
	in.until("it goes on", time.Minute, func() bool { return in.sql("SELECT count() FROM custody WHERE step = 'verified'") != checks })
	if got := in.sql("SELECT count() FROM recordings WHERE state = 'archived'"); got != fmt.Sprint(recordings(l)) {
		t.Errorf("%s recordings", got)
	}
	in.stop()
}

// P6: the catalogue is rebuilt from the object store alone, tables included.
func TestP6DroppedRecordingsAreRebuiltEqualFromTheBucket(t *testing.T) {
	t.Parallel()
	in, _, l := filled(t, sim.Options{Seed: 73, Calls: 150, Connections: 8, Faults: sim.Faults{
		Duplicate: 0.3, Shuffle: 1, Cut: 0.05, NotFound: 0.05, ServerError: 0.05,
	}}, "FONOTEKA_SCRUB_DAYS=0")
	n := recordings(l)
	// What is announced and cannot be archived: the link's host is not allowed.
	for range 2 {
		if status := in.post(redirect+"/events", []byte(`{"event":"callNotifications","result":{"callInfo":{"accountId":"7","call":{"id":"elsewhere~1o"},"state":"recorded","urlRecord":"https://records.example.org/1/2026/03/02/9.mp3"}}}`)); status != http.StatusOK {
			t.Fatalf("answered %d", status)
		}
	}
	in.eventually(time.Minute, "1", "SELECT count() FROM recordings_open WHERE state = 'refused'")
	// All columns but the moment of the insert.
	const all = "SELECT * EXCEPT (updated_at) FROM recordings WHERE state = 'archived' ORDER BY integration, recording_id"
	const refused = "SELECT integration, recording_id, state, url, group_id, platform_call_id, platform_leg_id, account_id, announced_at, expires_at, reason FROM %s WHERE state = 'refused'"
	const tables = "SELECT name, create_table_query FROM system.tables WHERE database = 'fonoteka' ORDER BY name"
	want, wantRefused, wantTables := in.sql(all), in.sql(refused, "recordings"), in.sql(tables)
	if in.sql("SELECT max(attempt) > 1 FROM recordings") == "false" {
		t.Error("no recording was tried twice: the faults did not happen")
	}
	in.exec("DROP TABLE recordings SYNC")
	in.exec("DROP TABLE recordings_open SYNC")
	in.exec("DROP TABLE recordings_settled SYNC")
	out, err := in.command("recordings", "rebuild-catalogue", "--dry-run")
	if err != nil || !strings.Contains(out, fmt.Sprintf("%d to rebuild", n)) || in.sql(all) != "" {
		t.Errorf("dry run: %v\n%s", err, out)
	}
	out, err = in.command("recordings", "rebuild-catalogue", "--verify")
	if err != nil || !strings.Contains(out, fmt.Sprintf("%d rebuilt", n)) || !strings.Contains(out, "1 recording announced again") {
		t.Errorf("rebuild: %v\n%s", err, out)
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(in.sql(all), "\n")); diff != "" {
		t.Errorf("rebuilt rows differ (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(wantTables, in.sql(tables)); diff != "" {
		t.Errorf("tables differ (-before +after):\n%s", diff)
	}
	for _, table := range []string{"recordings", "recordings_open"} {
		in.eventually(time.Minute, wantRefused, refused, table)
	}
	out, err = in.command("recordings", "rebuild-catalogue")
	if err != nil || !strings.Contains(out, fmt.Sprintf(" 0 rebuilt (-), %d there already", n)) || strings.Contains(out, "announced again") {
		t.Errorf("again: %v\n%s", err, out)
	}
	// One without a sidecar cannot be rebuilt, and is said to be so; announced
	// again, it gets one. What waits is still in recordings_open.
	key := in.keys()[3]
	if err := os.Remove(in.object(strings.TrimSuffix(key, ".mp3") + ".json")); err != nil {
		t.Fatal(err)
	}
	in.exec("DROP TABLE recordings SYNC")
	out, _, status := in.exits("recordings", "rebuild-catalogue")
	if status != 6 || !strings.Contains(out, "1 without a usable sidecar") || !strings.Contains(out, "1 recording announced again") {
		t.Errorf("without a sidecar: exit %d\n%s", status, out)
	}
	if diff := cmp.Diff(wantRefused, in.sql(refused, "recordings")); diff != "" {
		t.Errorf("what waited (-before +after):\n%s", diff)
	}
	in.eventually(time.Minute, fmt.Sprint(n), "SELECT count() FROM recordings WHERE state = 'archived'")
	in.stop()
}
