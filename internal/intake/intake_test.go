package intake_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"fonoteka/internal/intake"
	"fonoteka/internal/spool"
)

var ours = []string{hook, hook + "/", hook + "/events", hook + "/events/"}

func TestEveryBodyOnOurPathsIsKeptAsItCame(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{}, spool.Options{})
	bodies := []string{notification, "{", "\x1f\x8b\x00\xff", " ", "a=b", strings.Repeat("x", 1<<20)}
	var want []spool.Record
	for i, path := range append(ours, "/other%20path/events") {
		for _, body := range bodies {
			kind, encoding, name := fmt.Sprintf("text/x; charset=cp1251; n=%d", i), "gzip", "main"
			if strings.HasPrefix(path, "/other") {
				kind, encoding, name = "", "", "second"
			}
			if status, _, answer := s.do("POST", path, body, "Content-Type", kind, "Content-Encoding", encoding); status != 200 {
				t.Errorf("%s: %d %s", path, status, answer)
			}
			want = append(want, spool.Record{Integration: name, ContentType: kind, ContentEncoding: encoding, Body: []byte(body)})
		}
	}
	if diff := cmp.Diff(want, s.records(), cmpopts.IgnoreFields(spool.Record{}, "Seq", "ReceivedAt"), cmp.Comparer(bytes.Equal)); diff != "" {
		t.Error(diff)
	}
	s.counted("kept", len(want))
	s.lint()
}

func TestChecksByTheOperatorAreAnsweredWithoutKeeping(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{}, spool.Options{})
	for _, path := range ours {
		for _, c := range []struct{ method, body string }{{"GET", "line"}, {"HEAD", ""}, {"POST", ""}} {
			status, _, answer := s.do(c.method, path+"?code=1", "")
			if status != 200 || (c.body == "") != (answer == "") || strings.Count(answer, "\n") > 1 {
				t.Errorf("%s: %d %q", c.method, status, answer)
			}
		}
		for _, m := range []string{"PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"} {
			status, header, _ := s.do(m, path, notification)
			if status != http.StatusMethodNotAllowed || header.Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("%s: %d, allows %s", m, status, header.Get("Allow"))
			}
		}
	}
	if recs := s.records(); len(recs) != 0 {
		t.Errorf("%d records kept", len(recs))
	}
	s.counted("empty", 4)
	s.counted("greeted", 8)
	s.counted("method", 24)
}

func TestOAuthGetsItsAnswersOnTheRedirectURIOnly(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{OAuth: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "oauth "+intake.IntegrationOf(r)+" "+r.URL.Query().Get("code"))
	})}, spool.Options{})
	for path, want := range map[string]string{
		hook + "?code=1&state=2": "oauth main 1",
		hook + "/?error=denied":  "oauth main ",
		hook + "?login=done":     "oauth main ",
		"/other%20path?code=3":   "oauth second 3",
		hook + "/events?code=1":  "Fonoteka is here and takes notifications.\n",
		hook:                     "Fonoteka is here and takes notifications.\n",
		"/mtt/0000000000?code=1": "404 page not found\n",
		hook + "?q=code":         "Fonoteka is here and takes notifications.\n",
	} {
		if _, _, got := s.do("GET", path, ""); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	s.counted("oauth", 4)
}

func TestOtherPathsAllGetTheSameAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{}, spool.Options{})
	paths := []string{
		"/", "", "/mtt", "/mtt/", "/events", "/mtt/wrong/events", "/" + hook, "/mtt//" + secret, hook + "//", hook + "/events//", "/mtt/./" + secret,
		"/x/.." + hook, "/%6dtt/" + secret, hook + "%2f", hook + "%2Fevents", hook + "/%2e", hook + "/Events", strings.ToUpper(hook), hook + "/events/x", hook[:len(hook)-1], hook + "0",
		"/mtt%2f" + secret, hook + ";a=b", hook + "/../" + secret, "/other path", "/other%20path//", "/other+path",
	}
	for _, method := range []string{"GET", "POST", "PUT", "OPTIONS"} {
		var first string
		for i, path := range paths {
			request := method + " " + strings.ReplaceAll(path, " ", "%20") + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
			if path == "/other path" {
				request = strings.ReplaceAll(request, "/other%20path", "/other%20pat%68")
			}
			if path == "" {
				request = strings.Replace(request, method+"  ", method+" /none ", 1)
			}
			got := withoutDate(s.raw(request, false))
			if i == 0 {
				first = got
			}
			if !strings.HasPrefix(got, "HTTP/1.1 404 ") || got != first {
				t.Errorf("%s %s: %s\nwant as for %s: %s", method, path, got, paths[0], first)
			}
		}
	}
	if recs := s.records(); len(recs) != 0 {
		t.Errorf("%d records kept", len(recs))
	}
	s.counted("not_found", 4*len(paths))
}

func withoutDate(answer string) string {
	var kept []string
	for line := range strings.Lines(answer) {
		if !strings.HasPrefix(line, "Date:") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func TestMisdirectedNotificationIsNoticedAndToldNothing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := serve(t, intake.Options{Now: func() time.Time { return now }}, spool.Options{})
	examples, err := filepath.Glob("testdata/notifications/*.json")
	if err != nil || len(examples) == 0 {
		t.Fatal("no examples", err)
	}
	_, header, plain := s.do("POST", "/mtt/another-secret/events", "{}")
	for _, file := range examples {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		status, h, answer := s.do("POST", "/mtt/another-secret/events", string(body))
		h.Set("Date", header.Get("Date"))
		if status != 404 || answer != plain || cmp.Diff(header, h) != "" {
			t.Errorf("%s: %d %q, %v", file, status, answer, h)
		}
	}
	s.counted("misdirected", len(examples))
	s.counted("not_found", 1)
	log := s.log.String()
	if strings.Count(log, "\n") != 1 || strings.Contains(log, "secret") || strings.Contains(log, "callInfo") {
		t.Errorf("logged %s", log)
	}
}

func TestFormsOfHTTPAreUnderstood(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{}, spool.Options{})
	for name, request := range map[string]string{
		"1.0":     "POST " + hook + "/events HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
		"chunked": "POST " + hook + "/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
		"expect":  "POST " + hook + "/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
		"proxy":   "POST http://x" + hook + "/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
	} {
		answer := s.raw(request, false)
		if name == "expect" {
			answer = strings.TrimPrefix(answer, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		if !strings.HasPrefix(answer, "HTTP/1.") || !strings.Contains(answer, " 200 OK\r\n") {
			t.Errorf("%s: %s", name, answer)
		}
	}
	recs := s.records()
	for _, rec := range recs {
		if string(rec.Body) != "hello" {
			t.Errorf("kept %q", rec.Body)
		}
	}
	if len(recs) != 4 {
		t.Errorf("%d records", len(recs))
	}
}

func TestAnswered200SurvivesPowerLoss(t *testing.T) {
	t.Parallel()
	fs := vfs.NewCrashableMem()
	s := serve(t, intake.Options{}, spool.Options{FS: fs})
	for n := range 50 {
		body := fmt.Sprint("notification ", n)
		if status, _, _ := s.do("POST", hook+"/events", body); status != 200 {
			t.Fatalf("status %d", status)
		}
		after, err := spool.Open(spool.Options{FS: fs.CrashClone(vfs.CrashCloneCfg{})})
		if err != nil {
			t.Fatal(err)
		}
		recs, err := after.Read(t.Context(), 0, 0, 0)
		if err != nil || len(recs) != n+1 || string(recs[n].Body) != body {
			t.Fatalf("after %d answers there are %d records, %v", n+1, len(recs), err)
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Buffers are shared by requests one after the other; records must not show it.
func TestBodiesOfConcurrentRequestsDoNotMix(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{}, spool.Options{})
	var mu sync.Mutex
	want := make(map[string]int)
	rapid.Check(t, func(rt *rapid.T) {
		bodies := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) string {
			letter := rapid.StringMatching(`[a-z]{3}`).Draw(rt, "letters")
			size := rapid.SampledFrom([]int{1, 100, 1365, 1366, 5000, 21846, 60000}).Draw(rt, "size")
			return strings.Repeat(letter, size)
		}), 1, 16).Draw(rt, "bodies")
		var wg sync.WaitGroup
		for _, body := range bodies {
			wg.Go(func() {
				if status, _, _ := s.do("POST", hook, body); status != 200 {
					t.Errorf("status %d", status)
				}
				mu.Lock()
				want[body]++
				mu.Unlock()
			})
		}
		wg.Wait()
	})
	got := make(map[string]int)
	for _, rec := range s.records() {
		got[string(rec.Body)]++
	}
	if !cmp.Equal(want, got) {
		t.Errorf("%d kinds of bodies sent, %d kept, or in other numbers", len(want), len(got))
	}
}

func TestSecretIsNeverLogged(t *testing.T) {
	t.Parallel()
	s := serve(t, intake.Options{}, spool.Options{})
	for _, path := range []string{hook, hook + "/x", "/x" + hook} {
		for _, m := range []string{"GET", "POST", "PUT"} {
			s.do(m, path, notification)
		}
	}
	s.raw("POST "+hook+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", true)
	s.raw("POST "+hook+" HTTP/9.9\r\nbroken\r\n\r\n", true)
	if log := s.log.String(); strings.Contains(log, secret) || !strings.Contains(log, "not served") {
		t.Errorf("logged %s", log)
	}
}
