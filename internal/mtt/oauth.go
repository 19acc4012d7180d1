package mtt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"fonoteka/internal/bounded"
)

// OAuthURL is the operator's OAuth service.
const OAuthURL = "https://oauth.mtt.ru"

const (
	scope = "https://mtt.ru/auth.tokens.readwrite"
	// RefreshLife is how long a refresh token lives; no answer says it.
	RefreshLife = 3 * 24 * time.Hour
	// accessLife is how long an access token lives where its answer does not say.
	accessLife = 2 * time.Hour
	// longestAccess is the longest life that an answer may state. Tokens are refreshed
	// after half of it: the refresh token must still be valid then.
	longestAccess = 24 * time.Hour
)

// ErrGrantRefused says that the operator itself refused a code or a refresh
// token, or the client's id or secret: a retry will hardly help.
var ErrGrantRefused = errors.New("the operator refused it")

// OAuthOptions of an OAuth. The client and the redirect URI are as in the
// operator's cabinet.
type OAuthOptions struct {
	URL          string // of the service; "": OAuthURL
	ClientID     string
	ClientSecret string
	RedirectURI  string // not needed for a refresh

	Timeout   time.Duration     // of a request; 0: 45 s: an answer that is not awaited may cost a login
	Transport http.RoundTripper // nil: http.DefaultTransport
}

// Grant is what a code or a refresh token was exchanged for.
type Grant struct {
	AccessToken  string
	RefreshToken string        // after a refresh perhaps the same one
	AccessLife   time.Duration // from the time of the request on
}

// OAuth requests tokens for one integration. It stores nothing.
type OAuth struct {
	config oauth2.Config
	http   *http.Client
}

// NewOAuth makes an OAuth. Its errors contain no value.
func NewOAuth(o OAuthOptions) (*OAuth, error) {
	if o.URL == "" {
		o.URL = OAuthURL
	}
	if o.Timeout <= 0 {
		o.Timeout = 45 * time.Second
	}
	if u, err := url.Parse(o.URL); err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("oauth: the address of the service is not a plain URL")
	}
	if o.ClientID == "" || o.ClientSecret == "" {
		return nil, errors.New("oauth: client id and secret are required")
	}
	base := strings.TrimRight(o.URL, "/")
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	return &OAuth{
		config: oauth2.Config{
			ClientID: o.ClientID, ClientSecret: o.ClientSecret, RedirectURL: o.RedirectURI, Scopes: []string{scope},
			Endpoint: oauth2.Endpoint{
				AuthURL: base + "/oauth/authorize", TokenURL: base + "/oauth/token",
				AuthStyle: oauth2.AuthStyleInParams, // auto-detection would send a refresh token twice
			},
		},
		http: &http.Client{
			Transport: asJSON{o.Transport}, Timeout: o.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// AuthorizeURL is where a person logs in. state comes back with the code.
func (o *OAuth) AuthorizeURL(state string) string { return o.config.AuthCodeURL(state) }

// Exchange turns the code that the redirect URI got into tokens.
func (o *OAuth) Exchange(ctx context.Context, code string) (Grant, error) {
	return o.grant("exchange the code for tokens", code, func() (*oauth2.Token, error) {
		return o.config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, o.http), code, oauth2.SetAuthURLParam("scope", scope))
	})
}

// Refresh requests new tokens. After ErrGrantRefused the operator has refused; after any
// other error the refresh token may still be valid.
func (o *OAuth) Refresh(ctx context.Context, refresh string) (Grant, error) {
	return o.grant("refresh the tokens", refresh, func() (*oauth2.Token, error) {
		ctx := context.WithValue(ctx, oauth2.HTTPClient, o.http)
		return o.config.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	})
}

func (o *OAuth) grant(what, secret string, ask func() (*oauth2.Token, error)) (Grant, error) {
	t, err := ask()
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", what, o.failure(err, secret))
	}
	g := Grant{AccessToken: t.AccessToken, RefreshToken: t.RefreshToken, AccessLife: time.Duration(t.ExpiresIn) * time.Second}
	if g.AccessLife <= 0 || g.AccessLife > longestAccess {
		g.AccessLife = accessLife
	}
	if g.RefreshToken == "" {
		return Grant{}, fmt.Errorf("%s: the operator's answer has no refresh token", what)
	}
	return g, nil
}

// failure makes an error with the operator's reason and without secrets.
func (o *OAuth) failure(err error, secret string) error {
	r, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address, which is known
		}
		return fmt.Errorf("no answer that can be read: %s", shown(err.Error(), secret, o.config.ClientSecret))
	}
	answer := &Error{Method: "oauth/token", Status: r.Response.StatusCode, Answer: answerText(r.Body, secret, o.config.ClientSecret)}
	switch {
	case r.ErrorCode == "temporarily_unavailable", r.ErrorCode == "server_error",
		answer.Status >= 500, answer.Status == http.StatusTooManyRequests, answer.Status == http.StatusRequestTimeout:
		return answer
	case answer.Status >= 300 && answer.Status < 400, answer.Status == http.StatusNotFound:
		return answer // not a refusal by this service itself
	}
	return fmt.Errorf("%w: %w", ErrGrantRefused, answer)
}

// maxGrant is the longest answer of the OAuth service that is read, in bytes: tokens have
// some kilobytes.
const maxGrant = 1 << 20

// asJSON sets the content type of a JSON answer to JSON. The library would parse
// text/plain as a form, and the tokens in it would be lost.
type asJSON struct{ http.RoundTripper }

func (t asJSON) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := bounded.Read(resp.Body, maxGrant)
	resp.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		resp.Header.Set("Content-Type", "application/json")
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
