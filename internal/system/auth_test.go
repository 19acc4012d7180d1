package system

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fonoteka/internal/sim"
	"fonoteka/internal/testenv"
	"fonoteka/internal/token"
)

// cabinet is the operator with its login, its API and its recordings at one
// address, and an installation that is entered there.
type cabinet struct {
	*sim.Platform
	url  string
	home string // the installation's redirect URI
	env  []string
}

// openCabinet makes them; wrap may be nil.
func openCabinet(t *testing.T, o sim.PlatformOptions, wrap func(http.Handler) http.Handler) *cabinet {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return openCabinetAt(t, l, o, wrap)
}

// openCabinetAt is the same for an address that is known before.
func openCabinetAt(t *testing.T, l net.Listener, o sim.PlatformOptions, wrap func(http.Handler) http.Handler) *cabinet {
	t.Helper()
	here := fmt.Sprintf("127.0.0.1:%d", testenv.Ports(t, 1)[0])
	c := &cabinet{url: "http://" + l.Addr().String(), home: "http://" + here + redirect}
	var err error
	if o.Sim == nil {
		if o.Sim, err = sim.New(sim.Options{Seed: 1, RecordBase: c.url}); err != nil {
			t.Fatal(err)
		}
	}
	o.RedirectURI = c.home
	if c.Platform, err = sim.NewPlatform(o); err != nil {
		t.Fatal(err)
	}
	var h http.Handler = c.Platform
	if wrap != nil {
		h = wrap(h)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Second}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); c.Close() })
	c.env = []string{
		"FONOTEKA_LISTEN=" + here, "FONOTEKA_MTT_REDIRECT_URI=" + c.home, "FONOTEKA_MTT_OAUTH_URL=" + c.url, "FONOTEKA_MTT_API_URL=" + c.url,
		"FONOTEKA_MTT_RECORD_HOSTS=" + l.Addr().String(),
	}
	return c
}

// flags are what a command must be told of the cabinet.
func (c *cabinet) flags() []string {
	return []string{"--redirect-uri", c.home, "--oauth-url", c.url, "--api-url", c.url}
}

// withClient are the credentials of the configuration.
func (c *cabinet) withClient() []string {
	return append(c.env, "FONOTEKA_MTT_CLIENT_ID="+sim.DemoClientID, "FONOTEKA_MTT_CLIENT_SECRET="+sim.DemoClientSecret)
}

// begin runs auth login and returns the address that it prints.
func (c *cabinet) begin(in *installation) string {
	in.t.Helper()
	out, err := in.command(append([]string{"auth", "login", "--no-wait", "--no-open", "--client-id", sim.DemoClientID, "--client-secret", sim.DemoClientSecret}, c.flags()...)...)
	if err != nil {
		in.t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, c.url+"/oauth/authorize?") {
			return strings.TrimSpace(line)
		}
	}
	in.t.Fatalf("auth login prints no address:\n%s", out)
	return ""
}

// login is what a person does, without a browser, and returns the last page.
func (c *cabinet) login(in *installation) string {
	in.t.Helper()
	address, err := url.Parse(c.begin(in))
	if err != nil {
		in.t.Fatal(err)
	}
	resp, err := http.PostForm(c.url+"/oauth/login?"+address.RawQuery, url.Values{"user": {sim.DemoUser}, "password": {sim.DemoPassword}})
	if err != nil {
		in.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Request.URL.Query().Get("login") != token.LoginDone {
		in.t.Fatalf("the login ended at status %d (%v):\n%s", resp.StatusCode, err, b)
	}
	return string(b)
}

// statusRow is what auth status says in JSON.
type statusRow struct {
	token.Status
	LoginNeeded bool `json:"login_needed"`
}

// authStatus is what auth status says, in words and in JSON, with its exit status.
func (c *cabinet) authStatus(in *installation) (words string, row statusRow, status int) {
	in.t.Helper()
	return c.statusWithout(in, "--client-id", sim.DemoClientID, "--client-secret", sim.DemoClientSecret)
}

// statusWithout is the same without credentials in the configuration; more flags
// may bring them.
func (c *cabinet) statusWithout(in *installation, more ...string) (words string, row statusRow, status int) {
	in.t.Helper()
	args := slices.Concat([]string{"auth", "status"}, c.flags(), more)
	words, _, status = in.exits(args...)
	asJSON, _, again := in.exits(append(args, "--json")...)
	if err := json.Unmarshal([]byte(asJSON), &row); err != nil || again != status {
		in.t.Fatalf("auth status --json: %v, exit %d and %d:\n%s", err, status, again, asJSON)
	}
	return words, row, status
}

// auth login asks for what it is not told, and waits for the person.
func TestAuthLoginAsksAndWaits(t *testing.T) {
	t.Parallel()
	c := openCabinet(t, sim.PlatformOptions{}, nil)
	in := install(t, c.env...).start()
	cmd := in.prepare(append([]string{"auth", "login", "--no-open"}, c.flags()...)...)
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Stdin = strings.NewReader(sim.DemoClientID + "\n" + sim.DemoClientSecret + "\n")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.until("it waits for the person", 30*time.Second, func() bool { return strings.Contains(read(t, out.Name()), "Waiting for the login,") })
	c.login(in) // another one, by the same person
	if err, said := cmd.Wait(), read(t, out.Name()); err != nil || !strings.Contains(said, "Logged in.") || strings.Contains(said, sim.DemoClientSecret) {
		t.Errorf("%v:\n%s", err, said)
	}
	finding, err := in.command(append([]string{"doctor", "login"}, c.flags()...)...)
	if err != nil || !strings.Contains(finding, "logged in; the refresh token ends in") {
		t.Errorf("doctor login: %v\n%s", err, finding)
	}
	if _, err := in.command(append([]string{"auth", "logout"}, c.flags()...)...); err != nil {
		t.Error(err)
	}
	if words, row, status := c.statusWithout(in); row.State != token.NoCredentials || status != 0 {
		t.Errorf("after the logout: exit %d\n%s", status, words)
	}
	in.stop()
}

// A death of serve between the operator's answer and our disk costs a login where
// the old token dies at once. That must be known a moment after the next start.
func TestALoginLostToADeathIsToldWithinAMinute(t *testing.T) {
	t.Parallel()
	var in *installation
	var deadly atomic.Bool
	died := make(chan struct{})
	c := openCabinet(t, sim.PlatformOptions{Refresh: sim.RotatingStrict, AccessLife: 4 * time.Second}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			if !deadly.Load() || !strings.Contains(string(body), "grant_type=refresh_token") {
				next.ServeHTTP(w, r)
				return
			}
			if deadly.CompareAndSwap(true, false) {
				next.ServeHTTP(httptest.NewRecorder(), r) // the old token is dead now
				_ = in.cmd.Process.Kill()
				close(died)
			}
			panic(http.ErrAbortHandler)
		})
	})
	in = install(t, c.withClient()...).start()
	c.login(in)
	words, row, status := c.authStatus(in)
	if status != 0 || row.State != token.Fine || !strings.Contains(words, "logged in") {
		t.Fatalf("after the login: exit %d\n%s", status, words)
	}
	deadly.Store(true)
	select {
	case <-died:
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was refreshed")
	}
	<-in.exit
	in.cmd = nil
	in.start()
	began := time.Now()
	in.until("the metric says that a login is needed", time.Minute, func() bool {
		return in.metric(`fonoteka_token_login_needed{integration="main"}`) == "1"
	})
	t.Logf("known %v after the start", time.Since(began).Round(time.Millisecond))
	words, row, status = c.authStatus(in)
	if status != 3 || !row.LoginNeeded || row.State != token.Refused || !strings.Contains(words, "a login is needed") {
		t.Errorf("exit %d\n%s", status, words)
	}
	c.login(in)
	if words, _, status = c.authStatus(in); status != 0 {
		t.Errorf("after another login: exit %d\n%s", status, words)
	}
	in.stop()
}

// Recordings that want a login are fetched with a token that is renewed when it
// is refused, and that no other server sees.
func TestRecordingsBehindALoginAreFetched(t *testing.T) {
	t.Parallel()
	var c *cabinet
	var mu sync.Mutex
	var revoke sync.Once
	answers := map[string]int{}
	c = openCabinet(t, sim.PlatformOptions{}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/records/") {
				bearer := r.Header.Get("Authorization")
				if bearer != "" {
					revoke.Do(func() { c.Revoke(false) }) // the first token is refused
				}
				status := asksWith(next, bearer)
				mu.Lock()
				answers[fmt.Sprintf("token %v: %d", bearer != "", status)]++
				mu.Unlock()
				if status != http.StatusOK {
					http.Error(w, "login", http.StatusUnauthorized)
					return
				}
				_, _ = w.Write(audio(t))
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("another server got the operator's token")
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(stranger.Close)
	hosts := strings.TrimPrefix(c.url, "http://") + "," + strings.TrimPrefix(stranger.URL, "http://")
	in := install(t, append(c.env, "FONOTEKA_MTT_RECORD_HOSTS="+hosts)...).start().ready()
	c.login(in)
	for i, base := range []string{c.url, c.url, c.url, stranger.URL} {
		body := fmt.Sprintf(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"behind-%d~1o"},"state":"recorded","urlRecord":"%s/records/1/2026/03/02/%d.mp3"}}}`, i, base, i)
		if status := in.post(redirect+"/events", []byte(body)); status != http.StatusOK {
			t.Fatal(status)
		}
	}
	in.eventually(time.Minute, "3", "SELECT countIf(state = 'archived') FROM recordings")
	in.eventually(time.Minute, "1", "SELECT countIf(reason LIKE '%%login%%' AND state != 'archived') FROM recordings")
	mu.Lock()
	defer mu.Unlock()
	if answers["token true: 200"] != 3 || answers["token true: 401"] == 0 || answers["token false: 401"] == 0 {
		t.Errorf("the operator answered %v", answers)
	}
	in.stop()
}

// asksWith returns the operator's answer to a question with a token.
func asksWith(operator http.Handler, authorization string) (status int) {
	r := httptest.NewRequest("GET", "/externalNumbersInfo", nil)
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	operator.ServeHTTP(w, r)
	return w.Code
}

// audio is a recording.
func audio(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("../../internal/mp3/testdata/mpeg25-8khz.mp3")
	if err != nil {
		t.Error(err)
	}
	return b
}

// A key that is not the installation's keeps nothing from working but what is
// sealed, and destroys nothing.
func TestAWrongKeyStopsNoNotification(t *testing.T) {
	t.Parallel()
	right, wrong := "FONOTEKA_KEY="+strings.Repeat("r", 32), "FONOTEKA_KEY="+strings.Repeat("w", 32)
	c := openCabinet(t, sim.PlatformOptions{}, nil)
	in := install(t, append(c.env, right)...).start()
	in.kill()
	in.env = append(in.env, wrong)
	in.start()
	if status := in.post(redirect+"/events", []byte(`{"event":"vpbxNotifications","result":{"eventType":"numbersChanged"}}`)); status != http.StatusOK {
		t.Errorf("a notification is answered %d", status)
	}
	if v := in.metric(`fonoteka_token_login_needed{integration="main"}`); v != "1" {
		t.Errorf("login needed: %q", v)
	}
	out, errOut, status := in.exits("auth", "status", "--key", strings.Repeat("w", 32))
	if status != 3 || !strings.Contains(out, "FONOTEKA_KEY") {
		t.Errorf("exit %d\n%s%s", status, out, errOut)
	}
	in.kill()
	in.env = append(in.env, right)
	in.start()
	if v := in.metric(`fonoteka_token_login_needed{integration="main"}`); v != "0" {
		t.Errorf("with the right key again, login needed: %q", v)
	}
	in.stop()
}

func TestMistakesAboutTheOperatorAreNamedTogether(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "fonoteka.yaml")
	yaml := "integrations:\n  - {name: moscow, redirect_uri: \"https://calls.example.org/mtt/a\", timezone: Europe/Moscow, client_id: i, client_secret: a-secret}\napi_url: http://api.example.org\n"
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errOut, code := output(t, "auth", "status", "--config", file, "--data", t.TempDir(), "--client-id", "i", "--oauth-url", "https://user:a-secret@example.org", "--key", "a-secret")
	if code != 2 || strings.Contains(errOut, "a-secret") {
		t.Errorf("exit %d", code)
	}
	has(t, errOut, "4 mistakes", file+":3: api_url: must be https", "--oauth-url (FONOTEKA_OAUTH_URL): is not a plain URL", "--key (FONOTEKA_KEY)", "--client-id (FONOTEKA_CLIENT_ID): the integrations are those of "+file)
}
