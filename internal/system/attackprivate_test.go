package system

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/sim"
	"fonoteka/internal/state"
)

// visitors counts them, so that each has an address of its own: from one that has given
// wrong passwords, answers are slow.
var visitors atomic.Uint32

// visit is a request to the private listener from an address of its own, its path sent as
// it stands.
func (in *installation) visit(method, path string, header http.Header) (status int, headers http.Header, body string) {
	in.t.Helper()
	req, err := http.NewRequestWithContext(in.t.Context(), method, "http://"+in.runtime().PrivateListen+"/", nil)
	if err != nil {
		in.t.Fatal(err)
	}
	req.URL.Opaque = path
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Host = req.Header.Get("Host")
	n := visitors.Add(1)
	from := &net.TCPAddr{IP: net.IPv4(127, byte(1+n>>16), byte(n>>8), byte(n))}
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: from}).DialContext, DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		in.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		in.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func basic(name, password string) http.Header {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, password)
	return r.Header
}

// A recording is opened by its id and the password; no other path leads to a file,
// and no other word opens it.
func TestAttackRecordingsAreOpenedByTheirIDsAlone(t *testing.T) {
	t.Parallel()
	op := operate(t, sim.Options{Seed: 81, Calls: 4})
	in := install(t, op.hosts()).start().ready()
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	in.eventually(time.Minute, fmt.Sprint(recordings(op.Ledger())), "SELECT count() FROM recordings WHERE state = 'archived'")
	id := in.sql("SELECT recording_id FROM recordings ORDER BY recording_id LIMIT 1")
	v, err := state.Read(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	if status, _, body := in.visit("GET", "/recordings/"+id, basic("anna", v.RecordingsPassword)); status != http.StatusOK || len(body) < 1000 {
		t.Fatalf("the right way: %d, %d bytes", status, len(body)) // or what follows proves nothing
	}
	for name, header := range map[string]http.Header{
		"none": nil, "empty": basic("anna", ""), "the name": basic(v.RecordingsPassword, ""), "a part": basic("anna", v.RecordingsPassword[:len(v.RecordingsPassword)-1]),
		"more": basic("anna", v.RecordingsPassword+"x"), "other letters": basic("anna", strings.ToLower(v.RecordingsPassword)), "NUL": basic("anna", v.RecordingsPassword+"\x00"),
		"another's": basic("anna", v.ClickHouseReaderPassword), "the admin's": basic("anna", v.AdminToken), "bearer": {"Authorization": {"Bearer " + v.RecordingsPassword}},
		"a cookie": {"Cookie": {"password=" + v.RecordingsPassword}},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			status, h, body := in.visit(method, "/recordings/"+id+"?password="+v.RecordingsPassword, header)
			if status != http.StatusUnauthorized || !strings.HasPrefix(h.Get("Content-Type"), "text/html") {
				t.Errorf("password %s, %s: %d %s %q", name, method, status, h.Get("Content-Type"), clip(body))
			}
		}
	}
	in.lure(v.RecordingsPassword, id)
	if got := in.sql("SELECT count() FROM audit WHERE action = 'recording.listen' AND actor != 'anna'"); got != "0" {
		t.Errorf("%s others have listened", got)
	}
	in.stop()
}

// lure asks with the right password for everything but a recording.
func (in *installation) lure(password, id string) {
	in.t.Helper()
	bait := filepath.Join(filepath.Dir(in.dir), "bait.mp3")
	if err := os.WriteFile(bait, []byte("LURED"), 0o644); err != nil {
		in.t.Fatal(err)
	}
	key := in.sql("SELECT key FROM recordings WHERE recording_id = '%s'", id)
	for _, p := range []string{
		"..", "../state.json", "..%2fstate.json", "..%2F..%2fstate.json", "%2e%2e%2fstate.json", "%2e%2e/state.json", "..%5cstate.json", "....//state.json", "..;/state.json",
		bait, url.PathEscape(bait), "%2fetc%2fpasswd", "/etc/passwd", "file:///etc/passwd", url.PathEscape("file:///etc/passwd"), key, url.PathEscape(key), "fonoteka/" + key,
		id + "/", id + "/..", id + "%2f..%2f" + id, id + "%00", id + ".mp3", id + "%20", "%20" + id, strings.ToUpper(id) + "x", id[:31], id + "0", id + "'", "'%20OR%201=1%20--", "{id}", "*", "%25s", strings.Repeat("a", 32),
		strings.Repeat("a", 9000), "%c0%ae%c0%ae%2fstate.json", "\u2025/state.json", "con", "%252e%252e%252fstate.json", "http:%2f%2f127.0.0.1%2f",
	} {
		path := "/recordings/" + p
		status, h, body := in.visit("GET", path, basic("mallory", password))
		if !slices.Contains([]int{301, 307, 308, 400, 404}, status) || h.Get("Content-Type") == "audio/mpeg" || strings.Contains(body, "LURED") || strings.Contains(body, "root:") {
			in.t.Errorf("%s: %d %s %q", path, status, h.Get("Content-Type"), clip(body))
		}
		if to := h.Get("Location"); strings.Contains(to, "//") {
			in.t.Errorf("%s leads to %s", path, to)
		}
		in.tellsNoSecret(path, body)
	}
}

// A page in a browser on this machine can reach the private listener: by its address, and
// by a name of its own that it leads to 127.0.0.1. By its own name it is refused, by the
// address it can change nothing and hear nothing.
func TestAttackAPageInABrowserFindsNoSecretOnThePrivateListener(t *testing.T) {
	t.Parallel()
	in := install(t, "FONOTEKA_ALLOWED_HOSTS=monitoring.lan").start().ready()
	v, err := state.Read(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	from := func(host string, more http.Header) http.Header {
		h := http.Header{"Host": {host}, "Origin": {"http://evil.example.org:8090"}, "Referer": {"http://evil.example.org:8090/"}, "Sec-Fetch-Site": {"same-origin"}}
		for name, values := range more {
			h[name] = values
		}
		return h
	}
	if status, _, body := in.visit("GET", "/metrics", from("monitoring.lan:8090", nil)); status != http.StatusOK {
		t.Errorf("a name that is allowed: %d %s", status, clip(body))
	}
	open := []string{"/metrics", "/healthz", "/readyz"}
	for _, path := range append(open, "/", "/recordings/"+strings.Repeat("a", 32), "/debug/pprof/", "/debug/vars", "/admin/replay", "/state.json") {
		for _, method := range []string{"GET", "POST", "OPTIONS", "PUT"} {
			preflight := http.Header{"Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization"}}
			for _, host := range []string{"evil.example.org:8090", "127.0.0.1:8090"} {
				status, h, body := in.visit(method, path, from(host, preflight))
				for name := range h {
					if strings.HasPrefix(name, "Access-Control-") {
						t.Errorf("%s %s: %s: %s", method, path, name, h.Get(name))
					}
				}
				switch opens := slices.Contains(open, path) && method == "GET"; {
				case host == "evil.example.org:8090" && (status != http.StatusMisdirectedRequest || !strings.Contains(body, "--allowed-hosts evil.example.org")):
					t.Errorf("%s %s under another name: %d %s", method, path, status, clip(body))
				case host != "evil.example.org:8090" && opens != (status == http.StatusOK):
					t.Errorf("%s %s: %d", method, path, status)
				}
				in.tellsNoSecret(method+" "+path, body)
			}
		}
	}
	for name, token := range map[string]string{
		"none": "", "empty": "Bearer ", "a part": "Bearer " + v.AdminToken[:20], "more": "Bearer " + v.AdminToken + "x", "other letters": "Bearer " + strings.ToLower(v.AdminToken),
		"no scheme": v.AdminToken, "another scheme": "Basic " + v.AdminToken, "two": "Bearer x, Bearer " + v.AdminToken, "another's": "Bearer " + v.RecordingsPassword,
	} {
		for _, path := range []string{"/admin/replay", "/admin/rebuild", "/admin/probe", "/admin/replay?from=2020-01-01T00:00:00Z&token=" + v.AdminToken} {
			if status, _, body := in.visit("POST", path, from("127.0.0.1:8090", http.Header{"Authorization": {token}, "Cookie": {"token=" + v.AdminToken}})); status != http.StatusForbidden || body != "forbidden\n" {
				t.Errorf("token %s, %s: %d %q", name, path, status, body)
			}
		}
	}
	if status, _, _ := in.visit("POST", "/admin/probe", http.Header{"Authorization": {"Bearer " + v.AdminToken}}); status != http.StatusOK {
		t.Errorf("the right token: %d", status) // or what came before proves nothing
	}
	in.stop()
}

// Both listeners and all stores are on the loopback interface alone, unless they are
// told otherwise.
func TestAttackNothingListensToOtherMachines(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	v, err := state.Read(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	_, public, _ := net.SplitHostPort(in.runtime().PublicListen)
	_, private, _ := net.SplitHostPort(in.runtime().PrivateListen)
	here := outside(t)
	for name, port := range map[string]string{
		"public": public, "private": private, "ClickHouse": fmt.Sprint(v.Ports.ClickHouseNative), "ClickHouse, HTTP": fmt.Sprint(v.Ports.ClickHouseHTTP),
		"S3": fmt.Sprint(v.Ports.S3), "Redis": fmt.Sprint(v.Ports.Redis),
	} {
		c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", port), time.Minute)
		if err != nil {
			t.Errorf("%s does not listen at all: %v", name, err)
			continue
		}
		c.Close()
		if c, err = net.DialTimeout("tcp", net.JoinHostPort(here, port), time.Minute); err == nil {
			c.Close()
			t.Errorf("%s listens on %s", name, here)
		}
	}
	in.stop()
}

// Who guesses passwords is slowed down and seen; from elsewhere nothing is noticed.
func TestAttackGuessingPasswordsIsSlowAndSeen(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	v, err := state.Read(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	from := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 200, 0, 1)}}).DialContext}}
	const guesses = 150
	var refused, slowed atomic.Int64
	var all sync.WaitGroup
	for n := range guesses {
		all.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+in.runtime().PrivateListen+"/recordings/"+strings.Repeat("a", 32), nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.SetBasicAuth("mallory", fmt.Sprint("guess", n))
			resp, err := from.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			switch resp.StatusCode {
			case http.StatusUnauthorized:
				refused.Add(1)
			case http.StatusTooManyRequests:
				slowed.Add(1)
			default:
				t.Errorf("status %d", resp.StatusCode)
			}
		})
	}
	all.Wait()
	if refused.Load() < 10 || slowed.Load() < guesses/3 {
		t.Errorf("%d were answered and %d not", refused.Load(), slowed.Load())
	}
	if status, _, _ := in.visit("GET", "/recordings/"+strings.Repeat("a", 32), basic("anna", v.RecordingsPassword)); status != http.StatusNotFound {
		t.Errorf("who knows the password, from elsewhere: %d", status)
	}
	in.stop() // notes the rest
	log, err := os.ReadFile(in.log.Name())
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(log), "wrong passwords were refused"); n < 1 || n > 3 {
		t.Errorf("%d lines of the log tell of it", n)
	}
	rows, _ := in.trace()
	if rows = slices.DeleteFunc(rows, func(r audit.Row) bool { return r.Action != "recording.listen" || r.Outcome != audit.Refused }); len(rows) < 2 || len(rows) > 3 || !strings.Contains(rows[len(rows)-1].Detail, "wrong passwords") {
		t.Errorf("entries of the audit: %v", rows)
	}
}
