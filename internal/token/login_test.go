package token_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/sim"
	"fonoteka/internal/token"
)

// shows wants a page with a title, and nothing in it or about it that could leak.
func (w *world) shows(page *http.Response, title string) {
	w.t.Helper()
	b, err := io.ReadAll(page.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if page.StatusCode != 200 || !strings.Contains(string(b), "<h1>"+title+"</h1>") {
		w.t.Errorf("status %d, want a page %q:\n%s", page.StatusCode, title, b)
	}
	h := page.Header
	if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" {
		w.t.Errorf("headers %v", h)
	}
	for _, r := range w.platform.Requests("/oauth/token") {
		form, _ := url.ParseQuery(r.Body)
		for name := range form {
			if v := form.Get(name); len(v) > 12 && strings.Contains(string(b), v) {
				w.t.Errorf("the page shows the %s", name)
			}
		}
	}
}

// begun returns where the operator sends a browser after a login there.
func (w *world) begun(k *token.Keeper) string {
	w.t.Helper()
	address, err := k.Begin(w.t.Context(), token.Credentials{})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.atOperator(address, sim.DemoUser, sim.DemoPassword)
}

func TestALoginWorksOnceAndTellsThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{})
	k := w.keeper(func(o *token.Options) { o.Registerer = w.reg })
	back := w.begun(k)
	w.shows(w.comeBack(k, back), "You are logged in")
	s := w.state(k, token.Fine)
	if life := s.RefreshEnds.Sub(s.At); life < 71*time.Hour || s.LoggedInAt.IsZero() || s.LastLogin.Outcome != token.LoginDone {
		t.Errorf("status %+v", s)
	}
	asked := w.asked("authorization_code")
	w.shows(w.comeBack(k, back), "This login was not begun here") // a replay
	if n := w.asked("authorization_code"); n != asked {
		t.Error("a replayed address was exchanged")
	}
	if s := w.state(k, token.Fine); s.LastLogin.Outcome != token.LoginDone {
		t.Errorf("after a replay: %+v", s.LastLogin)
	}
}

func TestOnlyAStateOfOursChangesAnything(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{})
	k := w.keeper(nil)
	second := w.keeper(func(o *token.Options) { o.Integration = "second" })
	back, err := url.Parse(w.begun(k))
	if err != nil {
		t.Fatal(err)
	}
	state := back.Query().Get("state")
	forged := []string{"", "x", state[1:], state + "A", "A" + state[1:], state[:20] + "A" + state[21:], state[:len(state)-2] + "AA", strings.ToLower(state)}
	for _, s := range forged {
		q := back.Query()
		q.Set("state", s)
		w.shows(w.comeBack(k, redirectURI+"?"+q.Encode()), "This login was not begun here")
	}
	w.shows(w.comeBack(second, back.String()), "This login was not begun here")
	if n := w.asked("authorization_code"); n != 0 {
		t.Errorf("%d codes were exchanged", n)
	}
	w.state(k, token.NoLogin)
	w.shows(w.comeBack(k, back.String()), "You are logged in")
}

// Whoever knows the redirect URI can make logins fail, and fills no log by it.
func TestFailedLoginsFillNoLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{})
	k := w.keeper(nil)
	h := token.Handler(func(*http.Request) *token.Keeper { return k }, w.options.Log)
	for range 1000 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", redirectURI+"?code=stolen&state=made-up", nil))
	}
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", redirectURI+"?error=access_denied&state=made-up", nil))
	if n := strings.Count(w.log.String(), "login failed"); n < 1 || n > 2 {
		t.Errorf("%d lines", n)
	}
}

func TestWhatGoesWrongWithALoginIsSaid(t *testing.T) {
	t.Parallel()
	trouble := func(kind string, status int) func(*world) {
		return func(w *world) {
			if err := w.platform.Trouble(sim.Trouble{Path: "/oauth/token", Kind: kind, Status: status}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	for title, before := range map[string]func(*world){
		"This login took too long":       func(w *world) { w.platform.Advance(token.LoginLife + time.Second) },
		"The operator refused the login": trouble("status", 400),
		"The operator does not answer":   trouble("status", 502),
	} {
		w := newWorld(t, sim.PlatformOptions{})
		k := w.keeper(nil)
		back := w.begun(k)
		before(w)
		w.shows(w.comeBack(k, back), title)
		if s := w.state(k, token.NoLogin); s.LastLogin.Outcome == "" || s.LastLogin.Describe() == s.LastLogin.Outcome {
			t.Errorf("%s: the last login is %+v", title, s.LastLogin)
		}
	}
	w := newWorld(t, sim.PlatformOptions{})
	k := w.keeper(nil)
	address, err := k.Begin(t.Context(), token.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	w.shows(w.comeBack(k, w.atOperator(address, "", "")), "The operator gave no access")
}

func TestALoginThatFailsLeavesTheTokensThatThereAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{Refresh: sim.RotatingStrict})
	k := w.keeper(nil)
	w.login(k)
	address, err := k.Begin(t.Context(), token.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	w.shows(w.comeBack(k, w.atOperator(address, "", "")), "The operator gave no access")
	w.state(k, token.Fine)
	w.platform.Advance(time.Hour)
	k.Once(t.Context())
	if err := w.works(k); err != nil {
		t.Error(err)
	}
}

func TestCredentialsOfALoginAreKeptForServe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{})
	w.options.Credentials = token.Credentials{}
	serve := w.keeper(nil)
	command := w.keeper(nil)
	w.state(serve, token.NoCredentials)
	if _, err := command.Begin(t.Context(), token.Credentials{}); err == nil {
		t.Error("a login was begun without credentials")
	}
	address, err := command.Begin(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	w.state(serve, token.NoCredentials) // they have not worked yet
	w.shows(w.comeBack(serve, w.atOperator(address, sim.DemoUser, sim.DemoPassword)), "You are logged in")
	w.state(command, token.Fine)

	wrong := client
	wrong.ClientSecret = "mistyped"
	if address, err = command.Begin(t.Context(), wrong); err != nil {
		t.Fatal(err)
	}
	w.shows(w.comeBack(serve, w.atOperator(address, sim.DemoUser, sim.DemoPassword)), "The operator refused the login")
	wrong.ClientID = "mistyped"
	if _, err := command.Begin(t.Context(), wrong); err != nil {
		t.Fatal(err)
	}
	w.platform.Advance(time.Hour)
	serve.Once(t.Context())
	if s := w.state(serve, token.Fine); s.RefreshedAt.Equal(s.LoggedInAt) {
		t.Error("after a login that was mistyped, the tokens are not renewed")
	}
	w.shows(w.login(serve), "You are logged in") // without new ones, with those that worked
	if err := command.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.state(serve, token.NoCredentials)
}

func TestNothingOfARequestIsShownOnAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{})
	k := w.keeper(nil)
	h := token.Handler(func(*http.Request) *token.Keeper { return k }, w.options.Log)
	for _, q := range []string{"login=%3Cscript%3Ealert(1)%3C/script%3E", "error=evil&error_description=evil", "code=evil&state=evil"} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", redirectURI+"?"+q, nil))
		if s := rec.Body.String() + rec.Header().Get("Location"); strings.Contains(s, "evil") || strings.Contains(s, "alert") {
			t.Errorf("%s: %s", q, s)
		}
	}
	none := httptest.NewRecorder()
	token.Handler(func(*http.Request) *token.Keeper { return nil }, w.options.Log).ServeHTTP(none, httptest.NewRequest("GET", redirectURI+"?code=1", nil))
	if none.Code != http.StatusNotFound {
		t.Errorf("an integration that is not there: %d", none.Code)
	}
}

// Whoever waits for the end of a login must not take its middle for a failure.
func TestALoginThatIsUnderWayHasNotFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{})
	var k *token.Keeper
	asked := false
	k = w.keeper(func(o *token.Options) {
		o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = true
			if last := k.Status().LastLogin; last != (token.Attempt{}) {
				t.Errorf("while the operator is asked, the last login is %+v", last)
			}
			return inProcess{w.platform}.RoundTrip(r)
		})
	})
	w.login(k)
	if last := k.Status().LastLogin.Outcome; !asked || last != token.LoginDone {
		t.Errorf("asked %t, then the last login is %q", asked, last)
	}
}

func TestThePageSpeaksTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.PlatformOptions{})
	k := w.keeper(nil)
	for accept, want := range map[string]string{
		"":                         "This login was not begun here",
		"ru-RU,ru;q=0.9,en;q=0.8":  "Этот вход был начат не здесь",
		"de,ru;q=0.4":              "Этот вход был начат не здесь",
		"en-GB,en;q=0.9,ru;q=0.5":  "This login was not begun here",
		"ru;q=0, en;q=0.1":         "This login was not begun here",
		"ru;q=\"><script>,*;q=0.5": "This login was not begun here",
	} {
		rec := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, redirectURI+"?login=foreign", nil)
		r.Header.Set("Accept-Language", accept)
		token.Handler(func(*http.Request) *token.Keeper { return k }, slog.New(slog.DiscardHandler)).ServeHTTP(rec, r)
		w.shows(rec.Result(), want)
		lang := map[bool]string{true: "ru", false: "en"}[strings.Contains(want, "Этот")]
		if body := rec.Body.String(); !strings.Contains(body, `<html lang="`+lang+`">`) || rec.Header().Get("Content-Language") != lang {
			t.Errorf("%q: %s", accept, body)
		}
	}
}

// Nobody is left without a page in his language.
func TestEveryOutcomeIsToldInBothLanguages(t *testing.T) {
	t.Parallel()
	en, ru := token.Described("en"), token.Described("ru")
	if len(en) == 0 || !slices.Equal(en, ru) {
		t.Errorf("%v in English, %v in Russian", en, ru)
	}
}
