package token_test

import (
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/state"
	"fonoteka/internal/token"
)

// FuzzCallback comes to the redirect URI with any query. Nobody knows a state of ours,
// so that nothing of it may change anything, be shown or be led to.
func FuzzCallback(f *testing.F) {
	for _, q := range []string{
		"code=a&state=b", "error=access_denied&error_description=x", "login=done", "login=%3Cscript%3E", "code", "code=a&code=b&state=", "state=a", "%zz=1&code=2", ";code=1",
		"code=a&state=" + base64.RawURLEncoding.EncodeToString(make([]byte, 56)), "code=a&state=" + base64.URLEncoding.EncodeToString(make([]byte, 56)), "",
	} {
		f.Add(q)
	}
	vault, err := state.OpenVault(f.TempDir(), "")
	if err != nil {
		f.Fatal(err)
	}
	k, err := token.New(token.Options{
		Integration: "main", RedirectURI: redirectURI, Credentials: client, OAuthURL: "https://oauth.example.org", Store: vault, Log: slog.New(slog.DiscardHandler),
		Transport: inProcess{http.HandlerFunc(func(http.ResponseWriter, *http.Request) { f.Error("the operator was asked") })}, Now: time.Now,
	})
	if err != nil {
		f.Fatal(err)
	}
	h := token.Handler(func(*http.Request) *token.Keeper { return k }, slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, query string) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, (&http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/mtt/9f2c", RawQuery: query}, Header: http.Header{}}).WithContext(t.Context()))
		switch to := rec.Header().Get("Location"); {
		case rec.Code == http.StatusSeeOther && to == "?login=foreign":
		case rec.Code == http.StatusOK && to == "" && strings.Contains(rec.Body.String(), "<h1>"):
		default:
			t.Errorf("status %d, to %q", rec.Code, to)
		}
		if strings.Contains(rec.Body.String(), "<script") {
			t.Error("a page with a script")
		}
	})
}
