package mtt_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
	"fonoteka/internal/sim"
)

// platform is a simulated operator, and OAuth and tokens at it.
func platform(t *testing.T, o sim.PlatformOptions) (*sim.Platform, *mtt.OAuth, string) {
	t.Helper()
	var err error
	if o.Sim, err = sim.New(sim.Options{Seed: 3}); err != nil {
		t.Fatal(err)
	}
	if o.RedirectURI == "" {
		o.RedirectURI = "https://calls.example.org/mtt/9f2c"
	}
	p, err := sim.NewPlatform(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	oauth, err := mtt.NewOAuth(mtt.OAuthOptions{URL: s.URL + "/", ClientID: sim.DemoClientID, ClientSecret: sim.DemoClientSecret, RedirectURI: o.RedirectURI})
	if err != nil {
		t.Fatal(err)
	}
	return p, oauth, s.URL
}

// code is what a person's login brings.
func code(t *testing.T, oauth *mtt.OAuth, state string) (code, back string) {
	t.Helper()
	u, err := url.Parse(oauth.AuthorizeURL(state))
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/oauth/login"
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.PostForm(u.String(), url.Values{"user": {sim.DemoUser}, "password": {sim.DemoPassword}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		t.Fatalf("the login led nowhere: %s, %v", resp.Status, err)
	}
	return to.Query().Get("code"), to.Query().Get("state")
}

func TestACodeAndARefreshTokenAreGoodForTokens(t *testing.T) {
	t.Parallel()
	_, oauth, _ := platform(t, sim.PlatformOptions{Refresh: sim.RotatingStrict})
	value, state := code(t, oauth, "a state & more")
	if state != "a state & more" {
		t.Errorf("the state came back as %q", state)
	}
	first, err := oauth.Exchange(t.Context(), value)
	if err != nil || first.AccessLife != 2*time.Hour || first.AccessToken == "" {
		t.Fatalf("%v, a life of %v", err, first.AccessLife)
	}
	if _, err := oauth.Exchange(t.Context(), value); !errors.Is(err, mtt.ErrGrantRefused) || strings.Contains(err.Error(), value) {
		t.Errorf("the code again: %v", err)
	}
	second, err := oauth.Refresh(t.Context(), first.RefreshToken)
	if err != nil || second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Errorf("a refresh: %v", err)
	}
	if _, err := oauth.Refresh(t.Context(), first.RefreshToken); !errors.Is(err, mtt.ErrGrantRefused) || strings.Contains(err.Error(), first.RefreshToken) {
		t.Errorf("the old refresh token: %v", err)
	}
}

func TestARefusalIsToldFromAFailure(t *testing.T) {
	t.Parallel()
	p, oauth, _ := platform(t, sim.PlatformOptions{Refresh: sim.Constant})
	value, _ := code(t, oauth, "s")
	g, err := oauth.Exchange(t.Context(), value)
	if err != nil {
		t.Fatal(err)
	}
	for trouble, refused := range map[sim.Trouble]bool{
		{Kind: "status", Status: 400}: true, {Kind: "status", Status: 401}: true, {Kind: "status", Status: 403}: true,
		{Kind: "status", Status: 302}: false, {Kind: "status", Status: 404}: false, {Kind: "status", Status: 429}: false,
		{Kind: "status", Status: 500}: false, {Kind: "status", Status: 503}: false, {Kind: "cut"}: false, {Kind: "garbage"}: false,
	} {
		if err := p.Trouble(trouble); err != nil {
			t.Fatal(err)
		}
		_, err := oauth.Refresh(t.Context(), g.RefreshToken)
		if err == nil || errors.Is(err, mtt.ErrGrantRefused) != refused || strings.Contains(err.Error(), sim.DemoClientSecret) {
			t.Errorf("%+v: %v", trouble, err)
		}
	}
	if again, err := oauth.Refresh(t.Context(), g.RefreshToken); err != nil || again.RefreshToken != g.RefreshToken {
		t.Errorf("after all: %v", err)
	}
}

func TestTokensAreReadWhateverTheAnswerCallsItself(t *testing.T) {
	t.Parallel()
	for kind, body := range map[string]string{
		"text/plain; charset=utf-8": `{"access_token":"a","refresh_token":"r","expires_in":"7200","scope":" x "}`,
		"text/html":                 "\xef\xbb\xbf {\"access_token\":\"a\",\"refresh_token\":\"r\"}",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write([]byte(body))
		}))
		defer s.Close()
		oauth, err := mtt.NewOAuth(mtt.OAuthOptions{URL: s.URL, ClientID: "i", ClientSecret: "s", RedirectURI: "https://calls.example.org/"})
		if err != nil {
			t.Fatal(err)
		}
		if g, err := oauth.Refresh(t.Context(), "old"); err != nil || g.AccessToken != "a" || g.RefreshToken != "r" || g.AccessLife != 2*time.Hour {
			t.Errorf("%s: %v, %v", kind, g.AccessLife, err)
		}
	}
}

// Every method, as the page's table spells its answers, as its examples do, and
// by turns.
func TestEveryMethodAgainstTheSimulator(t *testing.T) {
	t.Parallel()
	for _, spelling := range []sim.Spelling{sim.SpellingTable, sim.SpellingExample, sim.SpellingMixed} {
		t.Run(string(spelling), func(t *testing.T) {
			t.Parallel()
			p, oauth, address := platform(t, sim.PlatformOptions{Spelling: spelling})
			value, _ := code(t, oauth, "s")
			g, err := oauth.Exchange(t.Context(), value)
			if err != nil {
				t.Fatal(err)
			}
			c, err := mtt.NewClient(mtt.ClientOptions{URL: address, Tokens: &renewing{oauth: oauth, grant: g}})
			if err != nil {
				t.Fatal(err)
			}
			p.Revoke(false) // each client meets one 401
			for range 2 {
				everyMethod(t, c)
			}
			for _, r := range p.Requests("/transferCall") {
				if !strings.Contains(r.Body, `"calleeId"`) || !strings.Contains(r.Body, `"calleId"`) {
					t.Errorf("transferCall was sent %s", r.Body)
				}
			}
		})
	}
}

// renewing refreshes when it is told that its token was refused.
type renewing struct {
	oauth *mtt.OAuth
	grant mtt.Grant
}

func (r *renewing) Token(ctx context.Context, refused string) (_ string, err error) {
	if refused != "" && refused == r.grant.AccessToken {
		r.grant, err = r.oauth.Refresh(ctx, r.grant.RefreshToken)
	}
	return r.grant.AccessToken, err
}

func everyMethod(t *testing.T, c *mtt.Client) {
	t.Helper()
	ctx := t.Context()
	numbers, err := c.ExternalNumbers(ctx)
	if err != nil || len(numbers) == 0 || numbers[0].Type != "" {
		t.Fatalf("numbers %v, %v", numbers, err)
	}
	workplaces, err := c.Workplaces(ctx)
	if err != nil || len(workplaces) == 0 || workplaces[0].Name == "" {
		t.Fatalf("workplaces %v, %v", workplaces, err)
	}
	terminals, err := c.Terminals(ctx)
	if err != nil || len(terminals) < len(workplaces) {
		t.Fatalf("terminals %v, %v", terminals, err)
	}
	if err := c.SetParkingNumbers(ctx, []string{numbers[0].Number}, true); err != nil {
		t.Error(err)
	}
	if id, err := c.MakeCall(ctx, workplaces[0].ID, "89219462761"); err != nil || id == "" {
		t.Errorf("makeCall: %q, %v", id, err)
	}
	// What the operator does not know it refuses, in words.
	none := mtt.Leg{CallID: "nothing-of-the-kind", Tag: "1", TransportID: "10.0.0.1:5070"}
	for name, err := range map[string]error{
		"terminateCall": c.TerminateCall(ctx, none),
		"transferCall":  c.TransferCall(ctx, none, workplaces[0].ID),
		"makeCall":      second(c.MakeCall(ctx, "no-workplace", "89219462761")),
	} {
		e, ok := errors.AsType[*mtt.Error](err)
		if !ok || e.Method != name || e.Status != http.StatusOK || e.Answer == "" || errors.Is(err, mtt.ErrOutcomeUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ string, err error) error { return err }

// A parked call is led to a workplace and taken from it again, each by the words
// of that leg's newest notification.
func TestALegIsTransferredAndTerminated(t *testing.T) {
	t.Parallel()
	events := make(chan call.Event, 100)
	listener := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if e, err := mtt.Decode(body, mtt.Context{Integration: "main", ReceivedAt: time.Now()}); err == nil {
			events <- e
		}
	}))
	defer listener.Close()
	p, oauth, address := platform(t, sim.PlatformOptions{RedirectURI: listener.URL, Speed: 5, Manner: sim.Manner{PickUp: -1}})
	defer p.Close() // before its listener
	value, _ := code(t, oauth, "s")
	g, err := oauth.Exchange(t.Context(), value)
	if err != nil {
		t.Fatal(err)
	}
	c, err := mtt.NewClient(mtt.ClientOptions{URL: address, Tokens: &renewing{oauth: oauth, grant: g}})
	if err != nil {
		t.Fatal(err)
	}
	leg := func(state call.State) mtt.Leg {
		t.Helper()
		for {
			select {
			case e := <-events:
				if e.State == state {
					return mtt.Leg{CallID: e.PlatformID, Tag: e.Tag, TransportID: e.TransportID}
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("no %s came", state)
			}
		}
	}
	workplaces, err := c.Workplaces(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetParkingNumbers(t.Context(), []string{"78005560251"}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Call(sim.IncomingCall{From: "79000000100", To: "78005560251"}); err != nil {
		t.Fatal(err)
	}
	if err := c.TransferCall(t.Context(), leg(call.Trying), workplaces[1].ID); err != nil {
		t.Error(err)
	}
	if err := c.TerminateCall(t.Context(), leg(call.Showing)); err != nil {
		t.Error(err)
	}
}
