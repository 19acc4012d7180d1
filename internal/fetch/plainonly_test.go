package fetch_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
)

// A plain http link to a name that is allowed by https alone is asked by https. Where
// the server has none, the reason says that it is the link, and what to allow.
func TestAPlainLinkWhoseServerHasNoHTTPSSaysSo(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	plain := newOrigin(t, serve(audio(t))).Addr()
	for name, c := range map[string]struct {
		link, server string
		code         call.Code
	}{
		"http link, nobody at 443":           {"http://records.example.org/a.mp3", nobody, call.CodePlainOnly},
		"http link, plain http at 443":       {"http://records.example.org/a.mp3", plain, call.CodePlainOnly},
		"http link with its port":            {"http://records.example.org:80/a.mp3", nobody, call.CodePlainOnly},
		"https link, nobody at 443":          {"https://records.example.org/a.mp3", nobody, call.CodeConnection},
		"https link, plain http at 443":      {"https://records.example.org/a.mp3", plain, call.CodeNoConnection},
		"link without a scheme, likewise":    {"//records.example.org/a.mp3", plain, call.CodeNoConnection},
		"http link, its server allowed http": {"http://plain.example.org/a.mp3", plain, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, serve(audio(t)), func(o *fetch.Options, _ string) {
				o.Hosts = hosts(t, "records.example.org", "http://plain.example.org")
			})
			r.DialTo(c.server)
			body, err := r.Fetch(t.Context(), "main", c.link)
			if c.code == "" {
				if err != nil || body.SHA256 != digest(audio(t)) {
					t.Fatalf("%+v, %v", body, err)
				}
				body.Close()
				return
			}
			f, ok := errors.AsType[*fetch.Failure](err)
			if !ok || f.Code != c.code {
				t.Fatalf("%v, want %s", err, c.code)
			}
			if f.Kind != fetch.Unreachable || !strings.Contains(f.Sentence(), "records.example.org") {
				t.Errorf("%s: %s", f.Kind, f.Sentence())
			}
			if said := strings.Contains(f.Sentence(), "http://records.example.org"); said != (c.code == call.CodePlainOnly) {
				t.Errorf("what to allow: %s", f.Sentence())
			}
		})
	}
}
