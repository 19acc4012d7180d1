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
	"testing"
	"time"

	"fonoteka/internal/sim"
	"fonoteka/internal/state"
)

// visit is a request to the private listener, its path sent as it stands.
func (in *installation) visit(method, path string, header http.Header) (status int, headers http.Header, body string) {
	in.t.Helper()
	req, err := http.NewRequestWithContext(in.t.Context(), method, "http://"+in.runtime().PrivateListen+"/", nil)
	if err != nil {
		in.t.Fatal(err)
	}
	req.URL.Opaque = "//" + req.URL.Host + path
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Host = req.Header.Get("Host")
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
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

// A page in a browser on this machine can reach the private listener: by its address,
// and by a name of its own that it leads to 127.0.0.1. It may read what bears no
// secret; it can change nothing and hear nothing.
func TestAttackAPageInABrowserFindsNoSecretOnThePrivateListener(t *testing.T) {
	t.Parallel()
	in := install(t).start().ready()
	v, err := state.Read(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	from := func(more http.Header) http.Header {
		h := http.Header{"Host": {"evil.example.org:8090"}, "Origin": {"http://evil.example.org:8090"}, "Referer": {"http://evil.example.org:8090/"}, "Sec-Fetch-Site": {"same-origin"}}
		for name, values := range more {
			h[name] = values
		}
		return h
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/", "/recordings/" + strings.Repeat("a", 32), "/debug/pprof/", "/debug/vars", "/admin/replay", "/state.json"} {
		for _, method := range []string{"GET", "POST", "OPTIONS", "PUT"} {
			status, h, body := in.visit(method, path, from(http.Header{"Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization"}}))
			for name := range h {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s: %s: %s", method, path, name, h.Get(name))
				}
			}
			if open := slices.Contains([]string{"/metrics", "/healthz", "/readyz"}, path) && method == "GET"; open != (status == http.StatusOK) {
				t.Errorf("%s %s: %d", method, path, status)
			}
			in.tellsNoSecret(method+" "+path, body)
		}
	}
	for name, token := range map[string]string{
		"none": "", "empty": "Bearer ", "a part": "Bearer " + v.AdminToken[:20], "more": "Bearer " + v.AdminToken + "x", "other letters": "Bearer " + strings.ToLower(v.AdminToken),
		"no scheme": v.AdminToken, "another scheme": "Basic " + v.AdminToken, "two": "Bearer x, Bearer " + v.AdminToken, "another's": "Bearer " + v.RecordingsPassword,
	} {
		for _, path := range []string{"/admin/replay", "/admin/rebuild", "/admin/probe", "/admin/replay?from=2020-01-01T00:00:00Z&token=" + v.AdminToken} {
			if status, _, body := in.visit("POST", path, from(http.Header{"Authorization": {token}, "Cookie": {"token=" + v.AdminToken}})); status != http.StatusForbidden || body != "forbidden\n" {
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
