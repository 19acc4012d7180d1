package embedded_test

import (
	"context"
	"io"
	"net/http"
	"testing"
)

// A page in a browser on this machine can send requests to the engine's port. It
// gets no answer, and nothing is done, whatever it asks and whoever it says it is.
func TestAttackNoWebPageGetsAnAnswerOfTheEngine(t *testing.T) {
	t.Parallel()
	ch := start(t, clickhouseOptions(t))
	mustAsk(t, ch, "CREATE DATABASE fonoteka")
	const page = "http://page.example.org"
	send := func(method, host, query string, header ...string) (*http.Response, string) {
		req, err := http.NewRequestWithContext(context.Background(), method, "http://"+ch.HTTPAddr()+"/?"+query, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		for i := 0; i < len(header); i += 2 {
			req.Header.Add(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(b)
	}
	const one = "user=reader&password=reader-secret&query=SELECT+1"
	for _, host := range []string{"", "localhost", "localhost:8123", "127.0.0.1:1", "[::1]:8123"} {
		if resp, answer := send("GET", host, one); answer != "1\n" {
			t.Errorf("an honest program that asks %q: %d %s", host, resp.StatusCode, answer)
		}
	}
	for name, c := range map[string]struct {
		method, host, query string
		header              []string
	}{
		"with an origin":            {"GET", "", one, []string{"Origin", page}},
		"with a hidden origin":      {"GET", "", one, []string{"Origin", "null"}},
		"across sites":              {"GET", "", one, []string{"Sec-Fetch-Site", "cross-site"}},
		"of another port":           {"GET", "", one, []string{"Sec-Fetch-Site", "same-site"}},
		"whose name leads here":     {"GET", "page.example.org:8123", one, nil},
		"with a name like ours":     {"GET", "localhost.example.org", one, nil},
		"with a name that ends so":  {"GET", "evil-localhost", one, nil},
		"with an address as a name": {"GET", "127.0.0.1.example.org", one, nil},
		"that asks for CORS":        {"GET", "", one + "&add_http_cors_header=1", []string{"Origin", page}},
		"that asks beforehand":      {"OPTIONS", "", one + "&add_http_cors_header=1", []string{"Origin", page, "Access-Control-Request-Method", "POST"}},
		"that posts":                {"POST", "", "user=fonoteka&password=writer-secret&query=CREATE+DATABASE+made", []string{"Origin", page}},
		"that names no user":        {"GET", "", "query=SELECT+1", []string{"Origin", page}},
	} {
		resp, answer := send(c.method, c.host, c.query, c.header...)
		if resp.StatusCode < 400 || answer == "1\n" || resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("a page %s: %d %v %s", name, resp.StatusCode, resp.Header, answer)
		}
	}
	for _, user := range []string{"user=reader&password=reader-secret", "user=fonoteka&password=writer-secret", "user=default"} {
		for _, origin := range [][]string{nil, {"Origin", page}} {
			if resp, answer := send("GET", "", user+"&query=SELECT+1&add_http_cors_header=1", origin...); resp.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %v: %v %s", user, origin, resp.Header, answer)
			}
		}
	}
	if got := mustAsk(t, ch, "SELECT count() FROM system.databases WHERE name = 'made'"); got != "0" {
		t.Error("a page made a database")
	}
}
