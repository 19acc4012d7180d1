package sim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/sim"
)

const askedScope = "https://mtt.ru/auth.tokens.readwrite"

// cabinet is a platform on a server, and a person and an application before it.
type cabinet struct {
	*sim.Platform
	t   *testing.T
	url string
	uri string       // the redirect URI
	web *http.Client // does not follow redirects
}

func newCabinet(t *testing.T, opts sim.PlatformOptions) *cabinet {
	t.Helper()
	if opts.Sim == nil {
		opts.Sim = newSim(t, sim.Options{Seed: 5})
	}
	if opts.RedirectURI == "" {
		opts.RedirectURI = "https://calls.example.org/mtt/word"
	}
	p, err := sim.NewPlatform(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	t.Cleanup(p.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &cabinet{p, t, srv.URL, opts.RedirectURI, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

func (c *cabinet) do(req *http.Request) (status int, location *url.URL, body string) {
	c.t.Helper()
	resp, err := c.web.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	location, _ = resp.Location()
	return resp.StatusCode, location, string(b)
}

func (c *cabinet) get(path string) (int, *url.URL, string) {
	req, err := http.NewRequest(http.MethodGet, c.absolute(path), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do(req)
}

func (c *cabinet) absolute(path string) string {
	if strings.HasPrefix(path, "/") {
		return c.url + path
	}
	return path
}

func (c *cabinet) post(path string, form url.Values) (int, *url.URL, string) {
	req, err := http.NewRequest(http.MethodPost, c.absolute(path), strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(req)
}

func (c *cabinet) authorizeQuery(change ...string) string {
	q := url.Values{
		"client_id": {sim.DemoClientID}, "redirect_uri": {c.uri},
		"scope": {askedScope}, "response_type": {"code"}, "state": {"a b&c"},
	}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return "/oauth/authorize?" + q.Encode()
}

// logIn goes through the form and returns where the browser is sent.
func (c *cabinet) logIn(form url.Values) (*url.URL, string) {
	c.t.Helper()
	_, login, body := c.get(c.authorizeQuery())
	if login == nil {
		c.t.Fatalf("not led to the login page: %s", body)
	}
	_, back, body := c.post(login.String(), form)
	return back, body
}

type pair struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Expires int    `json:"expires_in"`
	Scope   string `json:"scope"`
	Type    string `json:"token_type"`
	Error   string `json:"error"`
}

func (c *cabinet) grant(form url.Values) (int, pair) {
	c.t.Helper()
	form.Set("client_id", sim.DemoClientID)
	form.Set("client_secret", sim.DemoClientSecret)
	status, _, body := c.post("/oauth/token", form)
	var p pair
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		c.t.Fatalf("%v: %s", err, body)
	}
	return status, p
}

func (c *cabinet) code() string {
	c.t.Helper()
	back, body := c.logIn(url.Values{"user": {sim.DemoUser}, "password": {sim.DemoPassword}})
	if back == nil {
		c.t.Fatalf("not sent back: %s", body)
	}
	return back.Query().Get("code")
}

func (c *cabinet) tokens() pair {
	c.t.Helper()
	status, p := c.exchange(c.code())
	if status != http.StatusOK {
		c.t.Fatal(status, p.Error)
	}
	return p
}

func (c *cabinet) exchange(code string) (int, pair) {
	return c.grant(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "scope": {askedScope},
		"redirect_uri": {c.uri},
	})
}

func (c *cabinet) refresh(token string) (int, pair) {
	return c.grant(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func TestLoginLeadsBackWithCodeAndState(t *testing.T) {
	t.Parallel()
	c := newCabinet(t, sim.PlatformOptions{})
	back, body := c.logIn(url.Values{"user": {sim.DemoUser}, "password": {"wrong"}})
	if back != nil || !strings.Contains(body, "Неверный логин или пароль") {
		t.Errorf("wrong password: sent to %v, %s", back, body)
	}
	back, _ = c.logIn(url.Values{"refuse": {"1"}})
	if back == nil || back.Query().Get("error") != "access_denied" || back.Query().Get("state") != "a b&c" {
		t.Errorf("refused: sent to %v", back)
	}
	back, _ = c.logIn(url.Values{"user": {sim.DemoUser}, "password": {sim.DemoPassword}})
	if back == nil || back.Host != "calls.example.org" || back.Path != "/mtt/word" ||
		back.Query().Get("code") == "" || back.Query().Get("state") != "a b&c" {
		t.Errorf("sent to %v", back)
	}
}

func TestAuthorizeWantsWhatThePageSays(t *testing.T) {
	t.Parallel()
	c := newCabinet(t, sim.PlatformOptions{})
	for name, value := range map[string]string{
		"client_id": "other", "redirect_uri": "https://evil.example.org/", "scope": "all", "response_type": "token",
	} {
		status, back, _ := c.get(c.authorizeQuery(name, value))
		if status != http.StatusBadRequest || back != nil {
			t.Errorf("wrong %s: %d, %v", name, status, back)
		}
	}
}

func TestACodeWorksOnceAndSoon(t *testing.T) {
	t.Parallel()
	c := newCabinet(t, sim.PlatformOptions{})
	code := c.code()
	status, first := c.exchange(code)
	if status != 200 || first.Expires != 7200 || first.Type != "Bearer" || first.Scope != "https://mtt.ru/auth/openapi.readwrite" {
		t.Errorf("%d %+v", status, first)
	}
	if status, p := c.exchange(code); status != 400 || p.Error != "invalid_grant" {
		t.Errorf("the second time: %d %+v", status, p)
	}
	late := c.code()
	c.Advance(10 * time.Minute)
	if status, _ := c.exchange(late); status != 400 {
		t.Errorf("after ten minutes: %d", status)
	}
}

func TestRefreshRotatesWithGrace(t *testing.T) {
	t.Parallel()
	c := newCabinet(t, sim.PlatformOptions{Refresh: sim.RotatingGrace})
	old := c.tokens()
	_, lost := c.refresh(old.Refresh) // as if the answer were lost
	status, next := c.refresh(old.Refresh)
	if status != 200 || next.Refresh == old.Refresh || next.Refresh == lost.Refresh || next.Scope != " https://mtt.ru/auth.tokens.readwrite " {
		t.Fatalf("%d %+v", status, next)
	}
	if status, _ = c.refresh(next.Refresh); status != 200 {
		t.Fatalf("the new one: %d", status)
	}
	for name, dead := range map[string]string{"the old one": old.Refresh, "the one whose answer was lost": lost.Refresh} {
		if status, p := c.refresh(dead); status != 400 || p.Error != "invalid_grant" {
			t.Errorf("%s after the new one's use: %d %+v", name, status, p)
		}
	}
	if status, _ = c.refresh(next.Refresh); status != 200 {
		t.Errorf("the new one, whose child is unused: %d", status)
	}
}

func TestRefreshRotatesStrictly(t *testing.T) {
	t.Parallel()
	c := newCabinet(t, sim.PlatformOptions{Refresh: sim.RotatingStrict})
	old := c.tokens()
	_, next := c.refresh(old.Refresh)
	if status, _ := c.refresh(old.Refresh); status != 400 {
		t.Errorf("the old one: %d", status)
	}
	if status, _ := c.refresh(next.Refresh); status != 200 {
		t.Errorf("the new one: %d", status)
	}
}

func TestAConstantRefreshTokenKeepsItsEnd(t *testing.T) {
	t.Parallel()
	c := newCabinet(t, sim.PlatformOptions{Refresh: sim.Constant})
	old := c.tokens()
	c.Advance(71 * time.Hour)
	if status, next := c.refresh(old.Refresh); status != 200 || next.Refresh != old.Refresh || next.Access == old.Access {
		t.Errorf("%d %+v", status, next)
	}
	c.Advance(2 * time.Hour)
	if status, _ := c.refresh(old.Refresh); status != 400 {
		t.Errorf("after 73 hours: %d", status)
	}
}

func TestARotatedRefreshTokenLivesThreeDaysAnew(t *testing.T) {
	t.Parallel()
	c := newCabinet(t, sim.PlatformOptions{Refresh: sim.RotatingStrict})
	token := c.tokens().Refresh
	for range 5 {
		c.Advance(71 * time.Hour)
		status, next := c.refresh(token)
		if status != 200 {
			t.Fatal(status)
		}
		token = next.Refresh
	}
	c.Advance(72 * time.Hour)
	if status, _ := c.refresh(token); status != 400 {
		t.Errorf("at 72 hours: %d", status)
	}
}

func TestClientIsKnownByIDAndSecret(t *testing.T) {
	t.Parallel()
	c := newCabinet(t, sim.PlatformOptions{})
	status, _, body := c.post("/oauth/token", url.Values{
		"client_id": {sim.DemoClientID}, "client_secret": {"guess"}, "grant_type": {"refresh_token"}, "refresh_token": {c.tokens().Refresh},
	})
	if status != 401 || !strings.Contains(body, "invalid_client") {
		t.Errorf("%d %s", status, body)
	}
}

func TestTroubleComesAsOrderedAndRequestsAreKept(t *testing.T) {
	t.Parallel()
	c := newCabinet(t, sim.PlatformOptions{Refresh: sim.RotatingStrict})
	token := c.tokens().Refresh
	c.ForgetRequests()
	trouble := func(tr sim.Trouble) {
		tr.Path = "/oauth/token"
		if err := c.Trouble(tr); err != nil {
			t.Fatal(err)
		}
	}
	trouble(sim.Trouble{Kind: "status", Status: 502})
	trouble(sim.Trouble{Kind: "garbage"})
	for _, want := range []int{502, 200} {
		if status, _, body := c.post("/oauth/token", url.Values{"client_id": {"x"}}); status != want || json.Valid([]byte(body)) {
			t.Errorf("%d instead of %d: %s", status, want, body)
		}
	}
	trouble(sim.Trouble{Kind: "cut", TakesEffect: true})
	if resp, err := http.PostForm(c.url+"/oauth/token", url.Values{
		"client_id": {sim.DemoClientID}, "client_secret": {sim.DemoClientSecret}, "grant_type": {"refresh_token"}, "refresh_token": {token},
	}); err == nil {
		resp.Body.Close()
		t.Error("the answer came")
	}
	if status, _ := c.refresh(token); status != 400 {
		t.Errorf("the lost answer had no effect: %d", status)
	}
	var statuses []int
	for _, r := range c.Requests("/oauth/token") {
		statuses = append(statuses, r.Status)
	}
	if len(statuses) != 4 || statuses[0] != 502 || statuses[2] != 0 || statuses[3] != 400 {
		t.Errorf("%v", statuses)
	}
	if err := c.Trouble(sim.Trouble{Kind: "bad luck"}); err == nil {
		t.Error("accepted")
	}
}

func TestTheClockIsSetOverHTTP(t *testing.T) {
	t.Parallel()
	c := newCabinet(t, sim.PlatformOptions{Now: func() time.Time { return noon }})
	req, err := http.NewRequest(http.MethodPost, c.url+"/sim/clock", strings.NewReader(`{"advance":"26h"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, body := c.do(req); !strings.Contains(body, "2026-01-30T11:00:00Z") {
		t.Error(body)
	}
	if got := c.Now(); !got.Equal(noon.Add(26 * time.Hour)) {
		t.Error(got)
	}
}
