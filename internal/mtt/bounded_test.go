package mtt_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fonoteka/internal/mtt"
)

// bombServer answers everything by a little gzip that becomes 64 MiB of JSON, which
// the transport inflates by itself.
func bombServer(t *testing.T) string {
	t.Helper()
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	for _, s := range []string{`{"access_token":"a","refresh_token":"b","result":{"success":1,"workplacesList":[`, strings.Repeat(" ", 64<<20), `]}}`} {
		if _, err := w.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("the transport does not ask for gzip: this test tests nothing")
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestAnAnswerThatInflatesHasAnEnd(t *testing.T) {
	t.Parallel()
	url := bombServer(t)
	c, err := mtt.NewClient(mtt.ClientOptions{URL: url, Tokens: tokens{}, Pause: 1, Transport: &http.Transport{}})
	if err != nil {
		t.Fatal(err)
	}
	_, listed := c.Workplaces(t.Context())
	_, made := c.MakeCall(t.Context(), "883140582526566", "89219462761")
	oauth, err := mtt.NewOAuth(mtt.OAuthOptions{URL: url, ClientID: "id", ClientSecret: "secret", Transport: &http.Transport{}})
	if err != nil {
		t.Fatal(err)
	}
	_, refreshed := oauth.Refresh(t.Context(), "refresh")
	for name, c := range map[string]struct {
		err  error
		says string
	}{"list": {listed, "more than 16 MiB"}, "call": {made, "more than 16 MiB"}, "tokens": {refreshed, "more than 1 MiB"}} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, c.err, c.says)
		}
	}
	if !errors.Is(made, mtt.ErrOutcomeUnknown) {
		t.Errorf("a call that may have been made: %v", made)
	}
	if errors.Is(refreshed, mtt.ErrGrantRefused) {
		t.Error("what cannot be read was taken for a refusal")
	}
}
