package fetch_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"fonoteka/internal/fetch"
)

func TestTheTokenGoesOnlyWhereItMayAndWasAskedFor(t *testing.T) {
	t.Parallel()
	mp3 := audio(t)
	other := newOrigin(t, serve(mp3))
	locked := func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer main-token":
			w.WriteHeader(401)
		case r.URL.Path == "/away":
			http.Redirect(w, r, other.URL+"/file", http.StatusFound)
		default:
			w.Write(mp3)
		}
	}
	o := newOrigin(t, locked)
	open := newOrigin(t, serve(mp3))
	asked := 0
	token := func(_ context.Context, integration, host string) (string, error) {
		asked++
		if host != o.Addr() {
			t.Errorf("a token for %s", host)
		}
		return integration + "-token", nil
	}
	get := func(link string, allowed fetch.Hosts, token func(context.Context, string, string) (string, error)) error {
		f, err := fetch.New(fetch.Options{
			Hosts: hosts(t, o.Addr(), other.Addr(), open.Addr()), TempDir: t.TempDir(), Token: token, TokenHosts: allowed,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b, err := f.Fetch(t.Context(), "main", link)
		if err == nil {
			b.Close()
		}
		return err
	}
	own := hosts(t, o.Addr())
	if err := get(open.URL+"/a", hosts(t, open.Addr()), token); err != nil || asked != 0 || open.Requests[0].Header.Get("Authorization") != "" {
		t.Errorf("a server that wants none: %v, asked for %d", err, asked)
	}
	if err := get(o.URL+"/a", own, token); err != nil || asked != 1 || o.Asked() != 2 {
		t.Errorf("%v after %d requests", err, o.Asked())
	}
	if err := get(o.URL+"/away", own, token); err != nil || other.Requests[0].Header.Get("Authorization") != "" {
		t.Errorf("a redirect to another server: %v, it got %q", err, other.Requests[0].Header)
	}
	before := asked
	for name, err := range map[string]error{
		"not a host of ours": get(o.URL+"/a", hosts(t, other.Addr()), token),
		"no list":            get(o.URL+"/a", fetch.Hosts{}, token),
		"no token":           get(o.URL+"/a", own, nil),
		"a failure": get(o.URL+"/a", own, func(context.Context, string, string) (string, error) {
			return "", errors.New("refresh token SECRET has run out")
		}),
		"a wrong one": get(o.URL+"/a", own, func(context.Context, string, string) (string, error) { return "SECRET", nil }),
	} {
		var f *fetch.Failure
		if !errors.As(err, &f) || f.Kind != fetch.Unauthorised || f.Host != o.Addr() || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked != before {
		t.Error("a token was asked for in vain")
	}
}
