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

	"fonoteka/internal/call"
)

// scripted is an operator whose recordings all have one path: the file is chosen by
// the parameter id, and links with same=1 get one file.
func scripted(t *testing.T) (url, hosts string) {
	t.Helper()
	audio, err := os.ReadFile("../../internal/mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		if r.URL.Query().Get("same") == "" { // a tag of its own before the frames
			_, _ = fmt.Fprintf(w, "ID3\x03\x00\x00\x00\x00\x00\x20%-32s", r.URL.Query().Get("id"))
		}
		_, _ = w.Write(audio)
	}))
	t.Cleanup(origin.Close)
	return origin.URL + "/records/get", strings.TrimPrefix(origin.URL, "http://")
}

// recordedOf is the announcement of a recording of a call.
func recordedOf(callID, link string) []byte {
	return fmt.Appendf(nil, `{"event":"callNotifications","result":{"callInfo":{"call":{"id":%q},"accountId":"883140000000001","state":"recorded","urlRecord":%q}}}`, callID, link)
}

// answeredCall are the notifications of a call that was talked for some seconds.
func answeredCall(callID string) [][]byte {
	var out [][]byte
	for _, state := range []string{`"state":"trying","startTime":"2026-03-02 10:00:00"`, `"state":"connected","startTime":"2026-03-02 10:00:05"`, `"state":"finished","duration":20`} {
		out = append(out, fmt.Appendf(nil, `{"event":"callNotifications","result":{"callInfo":{"call":{"id":%q},"type":"incoming","caller":{"accountId":"79160000001@pstn","displayId":"79160000001","id":"79160000001"},"callee":{"accountId":"883140000000001","centrexId":"1","displayId":"883140000000001","display_name":"74950000001"},%s}}}`, callID, state))
	}
	return out
}

func (in *installation) posts(bodies ...[]byte) {
	in.t.Helper()
	for _, body := range bodies {
		if got := in.post(redirect+"/events", body); got != http.StatusOK {
			in.t.Fatalf("answered %d", got)
		}
	}
}

// Links of a script that differ in a parameter alone are the recordings of their own
// calls; two that bring one file to one call count once; two calls with one link are
// told of.
func TestLinksOfOneScriptAreRecordingsOfTheirOwn(t *testing.T) {
	t.Parallel()
	script, hosts := scripted(t)
	in := install(t, "FONOTEKA_MTT_RECORD_HOSTS="+hosts).start().ready()
	for _, id := range []string{"A", "B", "C"} {
		in.posts(answeredCall(id + "~1o")...)
	}
	in.posts(recordedOf("A~1o", script+"?id=A"), recordedOf("B~1o", script+"?id=B&Expires=1&Signature=x"), recordedOf("B~1o", script+"?id=B&Expires=2&Signature=y"))
	in.eventually(time.Minute, "A\t1\nB\t1", `SELECT c.platform_call_id, uniqExact(r.sha256) FROM recordings AS r
		JOIN (SELECT platform_call_id, arrayJoin(recordings) AS recording_id FROM calls) AS c ON c.recording_id = r.recording_id AND c.platform_call_id = r.platform_call_id
		WHERE r.state = 'archived' GROUP BY ALL ORDER BY ALL`)
	if got := in.sql("SELECT count(), uniqExact(sha256) FROM recordings"); got != "2\t2" {
		t.Errorf("recordings and files: %s", got)
	}

	// One call, two links, one file.
	in.posts(recordedOf("C~1o", script+"?id=1&same=1"))
	in.eventually(time.Minute, "1", "SELECT count() FROM recordings WHERE platform_call_id = 'C' AND state = 'archived'")
	in.posts(recordedOf("C~1o", script+"?id=2&same=1"))
	first, second := call.RecordingID("main", script+"?id=1&same=1"), call.RecordingID("main", script+"?id=2&same=1")
	in.eventually(time.Minute, first, "SELECT copy_of FROM recordings WHERE recording_id = '%s'", second)
	if got := in.sql("SELECT copy_of FROM recordings WHERE recording_id = '%s'", first); got != "" {
		t.Errorf("the first is a copy of %s", got)
	}
	in.eventually(4*time.Minute, "3\t3", "SELECT sum(recordings), sum(archived) FROM report_recordings")
	out, _, _ := in.exits("calls", "list", "--limit", "10")
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) > 3 && fields[2] == "incoming" && fields[len(fields)-2] != "1" {
			t.Errorf("not one recording: %s", line)
		}
	}
	if _, said, status := in.exits("doctor", "stores"); status != 0 {
		t.Errorf("doctor before: %s", said)
	}

	// Two calls, one link.
	in.posts(recordedOf("D~1o", script+"?id=A"))
	in.until("two calls with one link are seen", time.Minute, func() bool { return in.metric("fonoteka_recordings_shared") == "1" })
	out, _, _ = in.exits("doctor", "stores")
	has(t, out, "links", call.RecordingID("main", script+"?id=A"))
}

func TestLinksOfOneScriptAreImported(t *testing.T) {
	t.Parallel()
	script, hosts := scripted(t)
	in := install(t, "FONOTEKA_MTT_RECORD_HOSTS="+hosts).start().ready()
	file := filepath.Join(t.TempDir(), "links.csv")
	table := "url,call_id\n"
	for _, row := range []string{"?id=A,A", "?id=B,B", "?id=C&token=1,C", "?id=C&token=2,C", "?id=B&sv=1&se=1&sig=x,B"} {
		table += script + row + "\n"
	}
	if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	out, problems, status := in.exits("recordings", "import", file, "--record-hosts", hosts)
	has(t, out, "4 added", "1 there already")
	if status != 0 {
		t.Errorf("exit status %d:\n%s", status, problems)
	}
	in.eventually(time.Minute, "4\t3", "SELECT count(), uniqExact(sha256) FROM recordings WHERE state = 'archived'")
}
