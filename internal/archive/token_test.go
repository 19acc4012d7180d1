package archive_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"fonoteka/internal/archive"
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
		if host != o.addr() {
			t.Errorf("a token for %s", host)
		}
		return integration + "-token", nil
	}
	fetch := func(link string, allowed archive.Hosts, token func(context.Context, string, string) (string, error)) error {
		f, err := archive.NewFetcher(archive.FetchOptions{
			Hosts: hosts(t, o.addr(), other.addr(), open.addr()), TempDir: t.TempDir(), Token: token, TokenHosts: allowed,
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
	own := hosts(t, o.addr())
	if err := fetch(open.URL+"/a", hosts(t, open.addr()), token); err != nil || asked != 0 || open.requests[0].Header.Get("Authorization") != "" {
		t.Errorf("a server that wants none: %v, asked for %d", err, asked)
	}
	if err := fetch(o.URL+"/a", own, token); err != nil || asked != 1 || o.asked() != 2 {
		t.Errorf("%v after %d requests", err, o.asked())
	}
	if err := fetch(o.URL+"/away", own, token); err != nil || other.requests[0].Header.Get("Authorization") != "" {
		t.Errorf("a redirect to another server: %v, it got %q", err, other.requests[0].Header)
	}
	before := asked
	for name, err := range map[string]error{
		"not a host of ours": fetch(o.URL+"/a", hosts(t, other.addr()), token),
		"no list":            fetch(o.URL+"/a", archive.Hosts{}, token),
		"no token":           fetch(o.URL+"/a", own, nil),
		"a failure": fetch(o.URL+"/a", own, func(context.Context, string, string) (string, error) {
			return "", errors.New("refresh token SECRET has run out")
		}),
		"a wrong one": fetch(o.URL+"/a", own, func(context.Context, string, string) (string, error) { return "SECRET", nil }),
	} {
		var f *archive.Failure
		if !errors.As(err, &f) || f.Kind != archive.Unauthorised || f.Host != o.addr() || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked != before {
		t.Error("a token was asked for in vain")
	}
}
