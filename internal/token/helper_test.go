package token_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/mtt"
	"fonoteka/internal/sim"
	"fonoteka/internal/state"
	"fonoteka/internal/token"
)

const redirectURI = "https://calls.example.org/mtt/9f2c"

var client = token.Credentials{ClientID: sim.DemoClientID, ClientSecret: sim.DemoClientSecret}

// inProcess hands requests to a handler, so that a test can have the time of a
// synctest bubble.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	cut := true
	func() {
		defer func() {
			if cut {
				if err := recover(); err != http.ErrAbortHandler { //nolint:errorlint // recover gives the very value that was panicked with
					panic(err)
				}
			}
		}()
		h.ServeHTTP(w, r)
		cut = false
	}()
	if cut {
		return nil, io.ErrUnexpectedEOF
	}
	return w.Result(), nil
}

// world is a data folder, an operator and what was said.
type world struct {
	t        *testing.T
	platform *sim.Platform
	dir      string
	reg      *prometheus.Registry
	log      *syncBuffer
	options  token.Options // of every keeper
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newWorld(t *testing.T, o sim.PlatformOptions) *world {
	t.Helper()
	var err error
	if o.Sim, err = sim.New(sim.Options{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	o.RedirectURI = redirectURI
	p, err := sim.NewPlatform(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	w := &world{t: t, platform: p, dir: t.TempDir(), reg: prometheus.NewPedanticRegistry(), log: new(syncBuffer)}
	w.options = token.Options{
		Integration: "main", RedirectURI: redirectURI, Credentials: client, OAuthURL: "https://oauth.example.org",
		Transport: inProcess{p}, Log: slog.New(slog.NewTextHandler(w.log, nil)), Now: p.Now,
	}
	t.Cleanup(w.noSecretWasSaid)
	return w
}

// keeper makes a keeper as another process would have it; change may be nil.
func (w *world) keeper(change func(*token.Options)) *token.Keeper {
	w.t.Helper()
	v, err := state.OpenVault(w.dir, "")
	if err != nil {
		w.t.Fatal(err)
	}
	o := w.options
	o.Store = v
	if change != nil {
		change(&o)
	}
	k, err := token.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// login is what a person does in a browser, and returns the page at its end.
func (w *world) login(k *token.Keeper) *http.Response {
	w.t.Helper()
	address, err := k.Begin(w.t.Context(), token.Credentials{})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.comeBack(k, w.atOperator(address, sim.DemoUser, sim.DemoPassword))
}

// atOperator logs in at the operator and returns where it sends the browser.
func (w *world) atOperator(address, user, password string) string {
	w.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	page := w.ask("GET", address, nil)
	if page.StatusCode != http.StatusFound {
		w.t.Fatalf("authorize: %s", page.Status)
	}
	form := url.Values{"user": {user}, "password": {password}}
	if user == "" {
		form = url.Values{"refuse": {"1"}}
	}
	done := w.ask("POST", "https://oauth.example.org/oauth/login?"+u.RawQuery, strings.NewReader(form.Encode()))
	if done.StatusCode != http.StatusFound {
		w.t.Fatalf("login: %s", done.Status)
	}
	return done.Header.Get("Location")
}

func (w *world) ask(method, address string, body io.Reader) *http.Response {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, address, body)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := inProcess{w.platform}.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp
}

// comeBack opens the address that the operator has sent the browser to, and the
// page that it leads to.
func (w *world) comeBack(k *token.Keeper, address string) *http.Response {
	w.t.Helper()
	h := token.Handler(func(*http.Request) *token.Keeper { return k }, w.options.Log)
	first := httptest.NewRecorder()
	h.ServeHTTP(first, httptest.NewRequest("GET", address, nil))
	if first.Code != http.StatusSeeOther {
		w.t.Fatalf("the redirect URI answered %d", first.Code)
	}
	to, err := url.Parse(first.Header().Get("Location"))
	if err != nil {
		w.t.Fatal(err)
	}
	base, _ := url.Parse(address)
	second := httptest.NewRecorder()
	h.ServeHTTP(second, httptest.NewRequest("GET", base.ResolveReference(to).String(), nil))
	return second.Result()
}

// works asks the operator's API something with the tokens there are.
func (w *world) works(k mtt.TokenSource) error {
	c, err := mtt.NewClient(mtt.ClientOptions{URL: "https://openapi.example.org", Tokens: k, Transport: inProcess{w.platform}})
	if err != nil {
		return err
	}
	_, err = c.ExternalNumbers(w.t.Context())
	return err
}

// asked is how often the operator was asked for tokens of a kind.
func (w *world) asked(grant string) int {
	n := 0
	for _, r := range w.platform.Requests("/oauth/token") {
		if strings.Contains(r.Body, "grant_type="+grant) {
			n++
		}
	}
	return n
}

// noSecretWasSaid fails the test where a log or a file shows what was exchanged.
func (w *world) noSecretWasSaid() {
	secrets := map[string]bool{sim.DemoClientSecret: true}
	for _, r := range w.platform.Requests("") {
		form, _ := url.ParseQuery(r.Body)
		for _, name := range []string{"code", "refresh_token", "client_secret"} {
			secrets[form.Get(name)] = true
		}
		secrets[strings.TrimPrefix(r.Authorization, "Bearer ")] = true
	}
	delete(secrets, "")
	texts := map[string]string{"the log": w.log.String()}
	files, _ := filepath.Glob(filepath.Join(w.dir, "*", "*"))
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			w.t.Error(err)
		}
		texts[name] = string(b)
	}
	for secret := range secrets {
		for where, text := range texts {
			if strings.Contains(text, secret) {
				w.t.Errorf("%s shows a secret", where)
			}
		}
	}
}

// state wants a status.
func (w *world) state(k *token.Keeper, want token.State) token.Status {
	w.t.Helper()
	s := k.Status()
	if s.State != want {
		w.t.Errorf("state %q (%s), want %q", s.State, s.Failure, want)
	}
	return s
}

// faultyStore fails and counts.
type faultyStore struct {
	token.Store
	fail func(save int) error
	n    int
}

func (f *faultyStore) Save(name string, content any) error {
	f.n++
	if err := f.fail(f.n); err != nil {
		return err
	}
	return f.Store.Save(name, content)
}

var errDisk = errors.New("no space left on device")
