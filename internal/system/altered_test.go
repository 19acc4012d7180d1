package system

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/sim"
)

// listen asks for a recording as a browser does, and says what came and how it ended.
func (in *installation) listen(id string, headers ...string) (resp *http.Response, body []byte, err error) {
	in.t.Helper()
	req, err := http.NewRequestWithContext(in.t.Context(), http.MethodGet, "http://"+in.runtime().PrivateListen+"/recordings/"+id, http.NoBody)
	if err != nil {
		in.t.Fatal(err)
	}
	req.SetBasicAuth("anna", in.values().RecordingsPassword)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if resp, err = http.DefaultClient.Do(req); err != nil {
		in.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp, body, err
}

// What the disk did to a recording is met by whoever listens, and by nobody twice.
func TestAnAlteredRecordingIsNotPlayedAsGood(t *testing.T) {
	t.Parallel()
	in, _, _ := filled(t, sim.Options{Seed: 74, Calls: 60, Connections: 8}, "FONOTEKA_SCRUB_DAYS=0")
	keys := in.keys()
	id := func(n int) string { return in.sql("SELECT recording_id FROM recordings WHERE key = '%s'", keys[n]) }
	played, taken, checked, good := id(0), id(1), id(2), id(3)
	for _, key := range keys[:2] {
		flip(t, in.object(key))
	}
	if err := os.Remove(in.object(keys[2])); err != nil {
		t.Fatal(err)
	}
	faulty := func(kind, want string) {
		t.Helper()
		in.until(want+" recordings are "+kind+" by the metrics", 2*time.Minute, func() bool { return in.metric(`fonoteka_fixity_faulty{result="`+kind+`"}`) == want })
	}
	faulty("altered", "0")
	if out, stderr, status := in.exits("recordings", "list", "--fault", "any"); status != 0 || out != "no recordings\n" {
		t.Errorf("faults before anything was found: %s%s", out, stderr)
	}

	// As a browser's player asks.
	resp, body, err := in.listen(played, "Range", "bytes=0-")
	if size := resp.ContentLength; resp.Header.Get("Repr-Digest") != "" || resp.StatusCode != http.StatusNotFound && (err == nil || int64(len(body)) > size-blob.Withheld) {
		t.Errorf("status %d, %d of %d bytes, %v", resp.StatusCode, len(body), size, err)
	}
	in.until("the page says so", time.Minute, func() bool {
		resp, body, err := in.listen(played, "Accept-Language", "en")
		return err == nil && resp.StatusCode == http.StatusNotFound && strings.Contains(string(body), "damaged or gone")
	})
	faulty("altered", "1")

	file := filepath.Join(t.TempDir(), "taken.mp3")
	if _, stderr, status := in.exits("recordings", "get", "-o", file, taken); status != 3 || !strings.Contains(stderr, "not those that were archived") {
		t.Errorf("get: %d %s", status, stderr)
	}
	out, stderr, status := in.exits("recordings", "get", "-o", "-", taken)
	if status == 0 || out != "" || !strings.Contains(stderr, "is not given out") {
		t.Errorf("get again: %d, %d bytes, %s", status, len(out), stderr)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file that is not good is there: %v", err)
	}
	if resp, _, _ := in.listen(taken); resp.StatusCode != http.StatusNotFound {
		t.Errorf("playback gives out what get refuses: %d", resp.StatusCode)
	}
	faulty("altered", "2")

	if _, _, status := in.exits("scrub"); status != 3 {
		t.Errorf("scrub: %d", status)
	}
	faulty("absent", "1")
	if resp, _, _ := in.listen(checked); resp.StatusCode != http.StatusNotFound {
		t.Errorf("the one that is gone: %d", resp.StatusCode)
	}
	for _, args := range [][]string{{"recordings", "list", "--fault", "any"}, {"recordings", "list", "--fault", "any", "--json"}, {"recordings", "at-risk"}, {"recordings", "at-risk", "--json", "--days", "3"}} {
		out, stderr, _ := in.exits(args...)
		if !strings.Contains(out, played) || !strings.Contains(out, taken) || !strings.Contains(out, checked) || strings.Contains(out, good) {
			t.Errorf("%v does not name the three:\n%s%s", args, out, stderr)
		}
	}
	if out, _, _ := in.exits("recordings", "list", "--fault", "absent"); !strings.Contains(out, checked) || strings.Contains(out, played) {
		t.Errorf("those that are absent:\n%s", out)
	}
	if out, _, status := in.exits("doctor", "stores"); status == 0 || !strings.Contains(out, "3 archived recordings known to be altered") {
		t.Errorf("doctor: %d\n%s", status, out)
	}
	resp, body, err = in.listen(good)
	if want, oerr := os.ReadFile(in.object(keys[3])); err != nil || oerr != nil || string(body) != string(want) || resp.Header.Get("Repr-Digest") == "" {
		t.Errorf("a good one: %d, %d bytes, %v %v", resp.StatusCode, len(body), err, oerr)
	}
}
