package fetch_test

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
)

func TestOnlyAllowedHostsPass(t *testing.T) {
	t.Parallel()
	byDefault, listed := hosts(t), hosts(t, "127.0.0.1:8081", "[::1]:9000", "Records.Example.org.")
	more := hosts(t, "mtt.ru", "http://plain.example", "port.example:8443", "http://both.example:8080")
	for _, c := range []struct {
		h    fetch.Hosts
		link string
		want bool
	}{
		{byDefault, "https://mtt.ru/a.mp3", true},
		{byDefault, "https://openapi-stage.mtt.ru/records/1/2020/06/24/A.mp3?sign=x", true},
		{byDefault, "https://OPENAPI.MTT.RU:443/a.mp3", true},
		{byDefault, "https://OPENAPI.MTT.RU:8443/a.mp3", false},
		{byDefault, "//openapi.mtt.ru/a.mp3", true},
		{byDefault, "https://openapi.mtt.ru/100%.mp3", true},
		{byDefault, "https://openapi.mtt.ru./a.mp3", true},
		{byDefault, "http://openapi.mtt.ru/a.mp3", true}, // by https
		{byDefault, "http://openapi.mtt.ru:80/a.mp3", true},
		{byDefault, "http://openapi.mtt.ru:8080/a.mp3", false},
		{byDefault, "http://evilmtt.ru/a.mp3", false},
		{more, "http://plain.example/a.mp3", true},
		{more, "https://plain.example/a.mp3", true},
		{more, "http://cdn.plain.example/a.mp3", true},
		{more, "http://plain.example:81/a.mp3", false},
		{more, "https://port.example:8443/a.mp3", true},
		{more, "http://port.example:8443/a.mp3", true}, // by https
		{more, "https://port.example:8444/a.mp3", false},
		{more, "http://both.example:8080/a.mp3", true},
		{more, "http://both.example/a.mp3", false},
		{byDefault, "ftp://openapi.mtt.ru/a.mp3", false},
		{byDefault, "file:///etc/passwd", false},
		{byDefault, "https://evilmtt.ru/a.mp3", false},
		{byDefault, "https://mtt.ru.evil.example/a.mp3", false},
		{byDefault, "https://mtt.ru@evil.example/a.mp3", false},
		{byDefault, "https://user:pass@mtt.ru/a.mp3", false},
		{byDefault, "https://evil.example/#.mtt.ru", false},
		{byDefault, "https://evil.example/.mtt.ru", false},
		{byDefault, `https://evil.example\.mtt.ru/`, false},
		{byDefault, "https://127.0.0.1/a.mp3", false},
		{byDefault, "https://2130706433/a.mp3", false},
		{byDefault, "https://0x7f.1/a.mp3", false},
		{byDefault, "https://0177.0.0.1/a.mp3", false},
		{byDefault, "https://[::ffff:127.0.0.1]/a.mp3", false},
		{byDefault, "https://[::1]/a.mp3", false},
		{byDefault, "https://169.254.169.254/latest/meta-data/", false},
		{byDefault, "https://localhost/a.mp3", false},
		{byDefault, "https://.mtt.ru/a.mp3", false},
		{byDefault, "https:///a.mp3", false},
		{byDefault, "mtt.ru/a.mp3", false},
		{byDefault, "", false},
		{listed, "http://127.0.0.1:8081/a.mp3", true},
		{listed, "https://127.0.0.1:8081/a.mp3", true},
		{listed, "http://[::1]:9000/a.mp3", true},
		{listed, "https://cdn.records.example.org/a.mp3", true},
		{listed, "http://127.0.0.1:8082/a.mp3", false},
		{listed, "http://127.0.0.1/a.mp3", false},
		{listed, "http://[::ffff:127.0.0.1]:8081/a.mp3", false},
		{listed, "ftp://127.0.0.1:8081/a.mp3", false},
		{listed, "http://2130706433:8081/a.mp3", false},
		{listed, "https://mtt.ru/a.mp3", false},
	} {
		err := c.h.Check(c.link)
		if (err == nil) != c.want {
			t.Errorf("%q: %v, want allowed: %v", c.link, err, c.want)
		}
		var f *fetch.Failure
		if err != nil && (!errors.As(err, &f) || f.Kind != fetch.Refused || strings.Contains(f.Sentence(), "a.mp3")) {
			t.Errorf("%q: %v is no refusal, or shows the link", c.link, err)
		}
	}
}

func TestAListWithMistakesReportsEach(t *testing.T) {
	t.Parallel()
	_, err := fetch.ParseHosts("mtt.ru", "127.0.0.1", "localhost:0", "https://mtt.ru", "a b", "2130706433", "*.mtt.ru", "127.0.0.1:0")
	if err == nil || strings.Count(err.Error(), "\n") != 6 {
		t.Errorf("got %v", err)
	}
}

func TestOnlyPublicAddressesAreDialled(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"80.75.130.1": true, "2a00:1450:4010::1": true, "64:ff9b::504b:8201": true, // the last is 80.75.130.1 through NAT64
		"127.0.0.1": false, "127.8.8.8": false, "0.0.0.0": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "100.100.100.200": false, "198.18.0.1": false, "224.0.0.1": false,
		"240.0.0.1": false, "255.255.255.255": false, "192.0.2.1": false, "::1": false, "::": false, "::ffff:10.0.0.1": false,
		"::ffff:80.75.130.1": true, "::127.0.0.1": false, "fe80::1%eth0": false, "fd00:ec2::254": false, "ff02::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::1": false, "2002:7f00:1::": false,
		"2001:0:7f00:1::": false, "2001:db8::1": false, "fec0::1": false, "100::1": false,
		"::ffff:0:127.0.0.1": false, "::ffff:0:80.75.130.1": false, // IPv4-translated
		"192.31.196.1": false, "192.52.193.1": false, "192.175.48.1": false, "192.88.99.1": false, "2620:4f:8000::1": false, "3fff::1": false, "5f00::1": false,
		"4000::1": false, // not given out
	} {
		if got := fetch.Public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
}

func TestANameThatLeadsInsideIsRefusedAtTheDial(t *testing.T) {
	t.Parallel()
	origin := newOrigin(t, serve(audio(t)))
	_, port, _ := strings.Cut(origin.Addr(), ":")
	for allowed, want := range map[string]call.Code{"localhost": call.CodeRefusedPort, "localhost:" + port: call.CodePrivateAddress} {
		r := newRig(t, serve(audio(t)), func(o *fetch.Options, _ string) { o.Hosts = hosts(t, allowed) })
		_, err := r.Fetch(t.Context(), "main", "https://localhost:"+port+"/a.mp3")
		var f *fetch.Failure
		if !errors.As(err, &f) || f.Kind != fetch.Refused || f.Code != want || !strings.Contains(f.Sentence(), "localhost") {
			t.Errorf("with %s allowed: %v", allowed, err)
		}
	}
	if origin.Asked() != 0 {
		t.Error("the server was asked")
	}
}

func TestRedirectsAreCheckedAndCarryNothing(t *testing.T) {
	t.Parallel()
	other := newOrigin(t, serve(audio(t)))
	outside := newOrigin(t, serve(audio(t)))
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Path: "/"})
		http.Redirect(w, req, req.URL.Query().Get("to"), http.StatusFound)
	}, func(o *fetch.Options, self string) { o.Hosts = hosts(t, self, other.Addr()) })
	get := func(to string) error {
		b, err := r.Fetch(t.Context(), "main", r.origin.URL+"/a.mp3?secret=1&to="+to)
		if err == nil {
			b.Close()
		}
		return err
	}
	if err := get(other.URL); err != nil {
		t.Errorf("to another allowed host: %v", err)
	}
	if h := other.Requests[0].Header; h.Get("Referer") != "" || h.Get("Cookie") != "" || h.Get("Authorization") != "" || h.Get("Accept-Encoding") != "identity" {
		t.Errorf("the redirected request carries %v", h)
	}
	for _, to := range []string{outside.URL, "http://169.254.169.254/latest/", "file:///etc/passwd", "https://mtt.ru.evil.example/", "http://u:p@" + other.Addr() + "/", "//2130706433/"} {
		var f *fetch.Failure
		if err := get(to); !errors.As(err, &f) || f.Kind != fetch.Refused {
			t.Errorf("to %s: %v", to, err)
		}
	}
	var f *fetch.Failure
	if err := get(r.origin.URL + "/?to=/"); !errors.As(err, &f) || f.Kind == fetch.Refused {
		t.Errorf("in circles: %v", err)
	}
	if outside.Asked() != 0 {
		t.Error("a host outside the list was asked")
	}
}

func TestAPlainLinkToAnAllowedNameIsAskedByHTTPS(t *testing.T) {
	t.Parallel()
	byDefault, plain := hosts(t), hosts(t, "http://mtt.ru", "port.example:8443", "127.0.0.1:8081")
	for _, c := range []struct {
		h          fetch.Hosts
		link, want string
	}{
		{byDefault, "http://openapi.mtt.ru/a.mp3?id=1", "https://openapi.mtt.ru/a.mp3?id=1"},
		{byDefault, "http://openapi.mtt.ru:80/a.mp3", "https://openapi.mtt.ru/a.mp3"},
		{byDefault, "//openapi.mtt.ru/a.mp3", "https://openapi.mtt.ru/a.mp3"},
		{byDefault, "https://openapi.mtt.ru/100%.mp3", "https://openapi.mtt.ru/100%25.mp3"},
		{plain, "http://openapi.mtt.ru/a.mp3", "http://openapi.mtt.ru/a.mp3"},
		{plain, "https://openapi.mtt.ru/a.mp3", "https://openapi.mtt.ru/a.mp3"},
		{plain, "http://port.example:8443/a.mp3", "https://port.example:8443/a.mp3"},
		{plain, "http://127.0.0.1:8081/a.mp3", "http://127.0.0.1:8081/a.mp3"},
	} {
		if to, err := fetch.Resolve(c.h, c.link); err != nil || to.String() != c.want {
			t.Errorf("%s leads to %v, %v; want %s", c.link, to, err, c.want)
		}
	}
}
