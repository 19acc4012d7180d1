package system

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
)

// What people ask of lists: by the clock on their wall, by a colleague's name, by the four
// digits that they remember, by the call that they have in hand.
func TestListsAnswerWhatPeopleAsk(t *testing.T) {
	t.Parallel()
	audio, err := os.ReadFile("../../internal/mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Fatal(err)
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/a.mp3") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write(audio)
	}))
	t.Cleanup(origin.Close)
	in := install(t, "FONOTEKA_MTT_TIMEZONE=Europe/Moscow", "FONOTEKA_MTT_RECORD_HOSTS="+strings.TrimPrefix(origin.URL, "http://")).start().ready()
	for _, id := range []string{"A", "B", "D"} {
		in.posts(answeredCall(id + "~1i")...)
	}
	link := func(name string) string { return origin.URL + "/2026/03/02/" + name + ".mp3" }
	for id, name := range map[string]string{"A": "a", "B": "gone", "C": "early"} { // of C nothing is known yet
		in.posts(recordedOf(id+"~1i", link(name)))
	}
	in.eventually(time.Minute, "3", "SELECT count() FROM calls")
	in.eventually(time.Minute, "archived", "SELECT state FROM recordings WHERE recording_id = '%s'", call.RecordingID("main", link("a")))
	in.eventually(time.Minute, "2", "SELECT count() FROM recordings WHERE state = 'missing'")
	in.eventually(time.Minute, "1", "SELECT count() > 0 FROM report_settings")

	staff := filepath.Join(t.TempDir(), "staff.csv")
	table := "sep=;\r\nworkplace;department;employee\r\n=\"883140000000001\";Продажи;Анна Иванова\r\n\"883140000000002;Support;\r\n=\"883140000000003\";Support;Пётр\r\n"
	if err := os.WriteFile(staff, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	out, said, status := in.exits("directory", "import", staff)
	if status != 1 || out != "" {
		t.Errorf("a bad line: %d %s", status, out)
	}
	has(t, said, "nothing was changed", "--skip-bad takes the other 2 lines", "line 4: column 1: a quotation mark is opened and not closed")
	out, said, status = in.exits("directory", "import", "--skip-bad", "--integration", "main", staff)
	if status != 6 {
		t.Errorf("with --skip-bad: %d %s", status, said)
	}
	has(t, out, "2 lines of 2 changed")
	has(t, said, "line 4: column 1", "1 line not taken", "is in no list of the operator's", "(line 3, 5)")
	in.eventually(time.Minute, "Анна Иванова", "SELECT any(employee) FROM report_calls")

	ours := in.sql("SELECT call_id FROM calls WHERE platform_call_id = 'A'")
	for args, want := range map[string]int{
		"calls list":                          3,
		"calls list --number 9160":            3,
		"calls list --number 0001":            3,
		"calls list --number 8(916)000-00-01": 3,
		"calls list --number 5555":            0,
		"calls list --employee иванова":       3,
		"calls list --department ПРОДАЖИ":     3,
		"calls list --department support":     0,
		"calls list --recorded":               2,
		"calls list --recorded=false":         1,
		"calls list --longer 10s":             3,
		"calls list --shorter 10s":            0,
		"calls list --from 2026-03-02T10:00:00+03:00 --to 2026-03-02T10:00:01+03:00": 3,
		"recordings list":                              3,
		"recordings list --call A":                     1,
		"recordings list --call A~1i":                  1,
		"recordings list --call " + ours:               1,
		"recordings list --call C":                     1,
		"recordings list --number 9160":                2,
		"recordings list --employee анна":              3,
		"recordings list --department support":         0,
		"recordings list --state archived --longer 1s": 1,
		"recordings list --longer 1h":                  0,
	} {
		out, said, status := in.exits(append(strings.Fields(args), "--json")...)
		if got := strings.Count(out, "\n"); status != 0 || got != want {
			t.Errorf("%s: exit %d, %d lines, want %d\n%s%s", args, status, got, want, out, said)
		}
	}
	out, _, _ = in.exits("calls", "list", "--from", "2026-03-02 10:00:00 +03:00")
	has(t, out, "STARTED ", "2026-03-02 10:00:00 +03:00", "Анна Иванова (Продажи)")
	out, _, _ = in.exits("calls", "show", ours, "--json")
	has(t, out, `"local_time":"2026-03-02T10:00:00.000+03:00"`, `"employee":"Анна Иванова","department":"Продажи"`)
	out, _, _ = in.exits("recordings", "list")
	has(t, out, "ANNOUNCED ", " +03:00 ", "Анна Иванова (Продажи)")
	if out, said, status := in.exits("recordings", "list", "--call", "nobody"); status != 4 || out != "" {
		t.Errorf("no such call: %d %s%s", status, out, said)
	}
	out, _, _ = in.exits("recordings", "at-risk", "--json")
	if strings.Count(out, `"call_known":true`) != 1 || strings.Count(out, `"call_known":false`) != 1 {
		t.Errorf("of two recordings at risk one has its call:\n%s", out)
	}

	dir := t.TempDir()
	out, said, status = in.exits("recordings", "get", "A", "-o", dir)
	got, err := os.ReadFile(filepath.Join(dir, "2026-03-02_10-00-00_incoming_"+ours+".mp3"))
	if status != 0 || err != nil || !bytes.Equal(got, audio) {
		t.Errorf("by the call: %d, %v, %s%s", status, err, out, said)
	}
	for _, id := range []string{"B", "C", "D", strings.Repeat("a", 32)} { // missing, early, without one, none
		if out, said, status := in.exits("recordings", "get", id, "-o", dir); status != 4 || out != "" || said == "" {
			t.Errorf("recordings get %s: %d %s%s", id, status, out, said)
		}
	}
	out, said, status = in.exits("recordings", "orphans")
	if status != 0 {
		t.Errorf("orphans: %d", status)
	}
	has(t, out, "0 orphans")
	has(t, said, "Not looked at yet: 2 objects of the last hour")
}
