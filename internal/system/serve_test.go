package system

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/sim"
)

// get returns the answer to a request.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestPublicListenerTakesWhatTheOperatorMaySend(t *testing.T) {
	t.Parallel()
	in := install(t).start()
	base := "http://" + in.runtime().PublicListen
	ask := func(method, path, body string) int {
		req, err := http.NewRequest(method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	const body = `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"x"},"state":"trying"}}}`
	for _, path := range []string{redirect, redirect + "/", redirect + "/events", redirect + "/events/"} {
		for _, probe := range []struct{ method, body string }{{"GET", ""}, {"HEAD", ""}, {"POST", ""}, {"POST", body}} {
			if got := ask(probe.method, path, probe.body); got/100 != 2 {
				t.Errorf("%s %s was answered %d", probe.method, path, got)
			}
		}
	}
	for _, path := range []string{"/", "/events", "/mtt", "/mtt/secret2/events", "/metrics", "/healthz", "/admin/replay"} {
		if got := ask("POST", path, body); got != http.StatusNotFound {
			t.Errorf("POST %s was answered %d", path, got)
		}
	}
	if got := ask("POST", redirect+"/events", strings.Repeat("x", 1<<20+1)); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over 1 MiB was answered %d", got)
	}
	in.ready()
	in.eventually(20*time.Second, "too large\t65536", "SELECT reason, length(body) FROM rejected")
	in.eventually(20*time.Second, "1", "SELECT count() FROM events")
	_, metrics := get(t, "http://"+in.runtime().PrivateListen+"/metrics")
	if !strings.Contains(metrics, `fonoteka_intake_requests_total{outcome="misdirected"} 7`) {
		t.Errorf("the notifications on wrong paths were not counted:\n%s", grep(metrics, "misdirected"))
	}
	in.stop()
}

func grep(text, word string) string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

func TestRejectedAndOldNotificationsAreReplayed(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	for _, body := range []string{"not json", `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"x~1o"},"state":"trying","type":"incoming"}}}`} {
		if got := in.post(redirect+"/events", []byte(body)); got != http.StatusOK {
			t.Fatalf("answered %d", got)
		}
	}
	in.eventually(20*time.Second, "1\t1", "SELECT (SELECT count() FROM rejected), (SELECT count() FROM calls)")
	if out, _, status := in.exits("replay"); status != 6 { // it is still rejected
		t.Errorf("replay: exit status %d\n%s", status, out)
	}
	for range 2 { // beside the running process, and stopped
		out, err := in.command("replay", "--from", "1h")
		if err != nil || !strings.Contains(out, "cursor warehouse: 2 notifications") {
			t.Errorf("replay --from 1h: %v\n%s", err, out)
		}
		if in.cmd != nil {
			in.stop()
		}
	}
	in.start().ready()
	in.eventually(20*time.Second, "1\t1\t1", "SELECT (SELECT count() FROM rejected), (SELECT count() FROM calls), (SELECT count() FROM events)")
	in.stop()
}

// Phone numbers, names and the secret of the path are in no log and no metric.
func (in *installation) keepsToItself(l sim.Ledger) {
	in.t.Helper()
	log, err := os.ReadFile(filepath.Join(filepath.Dir(in.dir), "serve.log"))
	if err != nil {
		in.t.Fatal(err)
	}
	_, metrics := get(in.t, "http://"+in.runtime().PrivateListen+"/metrics")
	told := string(log) + metrics
	secrets := []string{"mtt/secret"}
	for _, c := range l.Calls {
		if len(c.ClientNumber) > 6 {
			secrets = append(secrets, c.ClientNumber, c.ClientNumber[1:])
		}
		for _, r := range c.Recordings {
			secrets = append(secrets, r.URL)
		}
	}
	for _, s := range secrets {
		if strings.Contains(told, s) {
			in.t.Errorf("%q is in the log or the metrics:\n%s", s, grep(told, s))
			return
		}
	}
}
