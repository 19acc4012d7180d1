package system

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/sim"
)

// exits runs a command, for two minutes at most, and returns what it said and its exit
// status.
func (in *installation) exits(args ...string) (stdout, stderr string, status int) {
	in.t.Helper()
	return ends(in.t, in.prepare(args...))
}

// has fails the test for each of want that is not in text.
func has(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in:\n%s", w, text)
		}
	}
}

func TestImportedLinksAreArchivedOrExplained(t *testing.T) {
	t.Parallel()
	audio, err := os.ReadFile("../../internal/mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "gone") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write(audio)
	}))
	t.Cleanup(origin.Close)
	hosts := strings.TrimPrefix(origin.URL, "http://")
	in := install(t, "FONOTEKA_MTT_RECORD_HOSTS="+hosts).start().ready()

	yesterday := time.Now().Add(-24 * time.Hour).UTC().Format("02.01.2006 15:04")
	table := "Клиент;url;call_id;recorded_at\n"
	for i := range 20 {
		table += fmt.Sprintf("Иванов;%s/a/%d.mp3;imported-%d~1o;%s\n", origin.URL, i, i, yesterday)
	}
	table += origin.URL + "/gone.mp3;;;\nx;" + origin.URL + "/gone.mp3;;" + time.Now().Add(-80*24*time.Hour).UTC().Format("2006-01-02 15:04:05") + "\n" +
		"x;https://elsewhere.example/a.mp3;;\nx;79219462761;;\nx;" + origin.URL + "/a/0.mp3?sv=1&se=1&sig=x;;\n"
	file := filepath.Join(t.TempDir(), "links.csv")
	if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	out, problems, status := in.exits("recordings", "import", file, "--record-hosts", hosts)
	has(t, out, "22 added", "1 there already", "2 not taken", "1 of the added: refused by policy", "https://elsewhere.example")
	has(t, problems, "line 22, column url: is empty", `line 25, column url: is not a link: want https://HOST/PATH, found something like "99999999999"`)
	if status != 6 || strings.Contains(problems, "79219462761") {
		t.Errorf("exit status %d, said:\n%s", status, problems)
	}
	out, _, _ = in.exits("recordings", "import", file, "--record-hosts", hosts)
	has(t, out, "0 added", "23 there already")

	in.eventually(time.Minute, "20", "SELECT count() FROM recordings WHERE state = 'archived' AND platform_call_id LIKE 'imported-%%' AND platform_call_id NOT LIKE '%%~%%'")
	in.eventually(time.Minute, "1", "SELECT count() FROM recordings WHERE state = 'refused'")
	in.eventually(time.Minute, "1", "SELECT count() FROM recordings WHERE state = 'missing' AND attempt >= 4")
	if got := in.sql("SELECT count(), uniqExact(recording_id), countIf(detail LIKE 'file sha256 %% line %%') FROM custody WHERE step = 'imported'"); got != "22\t22\t22" {
		t.Errorf("imported in custody: %s", got)
	}

	out, _, status = in.exits("recordings", "at-risk")
	has(t, out, "9 days", "missing", "refused", "elsewhere.example is not in the list")
	if lines := strings.Count(out, "\n"); status != 3 || lines != 3 {
		t.Errorf("exit status %d, %d lines:\n%s", status, lines, out)
	}
	if out, _, status = in.exits("recordings", "at-risk", "--days", "7"); status != 0 {
		t.Errorf("exit status %d:\n%s", status, out)
	}
	out, _, _ = in.exits("recordings", "at-risk", "--json", "--days", "10")
	has(t, out, `"days_left":9.`, `"lost":false`, `"why":"`)

	tries := in.sql("SELECT attempt FROM recordings WHERE state = 'missing'")
	out, _, _ = in.exits("recordings", "retry", "--state", "missing")
	has(t, out, "1 recording due now: 1 missing")
	in.eventually(time.Minute, "1", "SELECT count() FROM recordings WHERE state = 'missing' AND attempt > %s", tries)
	id := in.sql("SELECT recording_id FROM recordings WHERE state = 'archived' LIMIT 1")
	out, _, _ = in.exits("recordings", "retry", id)
	has(t, out, "none waits", id+": is archived")
	for _, wrong := range [][]string{{}, {"--state", "erased"}, {"--all", id}, {"nonsense"}} {
		if _, said, status := in.exits(append([]string{"recordings", "retry"}, wrong...)...); status != 2 || !strings.Contains(said, "recordings retry:") {
			t.Errorf("retry %v: exit status %d, %s", wrong, status, said)
		}
	}

	out, _, _ = in.exits("recordings", "progress")
	has(t, out, "archived           20 (", "not tried yet      0", "to be tried again  2")
	out, _, _ = in.exits("recordings", "progress", "--watch", "--json")
	has(t, out, `"archived":20,`, `"untried":0,"again":2,"lost":0`)
	in.until("the catalogue is counted", time.Minute, func() bool {
		_, metrics := get(t, "http://"+in.runtime().PrivateListen+"/metrics")
		return strings.Contains(metrics, `fonoteka_recordings{state="archived"} 20`) && strings.Contains(metrics, `fonoteka_recordings_at_risk{days_left="30"} 1`)
	})

	// Beside nobody: the import waits for the next start.
	in.stop()
	if err := os.WriteFile(file, []byte("url\n"+origin.URL+"/later.mp3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, problems, status = in.exits("recordings", "import", file, "--record-hosts", hosts); status != 0 {
		t.Error(status, problems)
	}
	has(t, out, "1 added")
	out, problems, _ = in.exits("recordings", "progress", "--watch")
	has(t, out+problems, "not tried yet      1", "serve is not running")
	in.start()
	in.eventually(time.Minute, "21", "SELECT count() FROM recordings WHERE state = 'archived'")
}

func TestAtRiskTellsThatItCouldNotAsk(t *testing.T) {
	t.Parallel()
	in := &installation{t: t, dir: filepath.Join(t.TempDir(), "none")}
	_, said, status := in.exits("recordings", "at-risk")
	if status != 1 || said == "" {
		t.Errorf("exit status %d: %s", status, said)
	}
}

func TestARecordingAboveTheLimitIsRefusedUntilTheLimitIsRaised(t *testing.T) {
	t.Parallel()
	op := operate(t, sim.Options{Seed: 3, Calls: 8, RecordBytes: 1<<20 + 1<<19})
	in := install(t, op.hosts(), "FONOTEKA_MAX_RECORDING_SIZE=1MiB").start()
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprint(recordings(op.Ledger()))
	if all == "0" {
		t.Fatal("no call was recorded")
	}
	in.eventually(time.Minute, all, "SELECT count() FROM recordings WHERE state = 'refused' AND reason LIKE '%%larger than the configured limit of 1 MiB'")
	in.stop()
	in.env[len(in.env)-1] = "FONOTEKA_MAX_RECORDING_SIZE=100MB"
	in.start()
	in.eventually(time.Minute, all, "SELECT count() FROM recordings WHERE state = 'archived' AND size > 1500000")
	in.stop()
}
