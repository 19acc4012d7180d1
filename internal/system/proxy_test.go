package system

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Whoever stands outside writes into headers what he likes. Behind a proxy that
// writes X-Forwarded-For itself that helps him nothing, and of one that passes it on
// doctor says so, whether the redirect URI leads through the machine's own address or
// back to itself.
func TestAttackAForgedSourceThroughARealProxy(t *testing.T) {
	t.Parallel()
	const operators = "198.51.100.0/24"
	in := install(t, "FONOTEKA_TRUSTED_PROXIES=127.0.0.1", "FONOTEKA_SOURCE_NETWORKS="+operators+","+outside(t), "FONOTEKA_ORIGIN_EVENTS=main").start()
	to := in.runtime().PublicListen
	const written = "proxy_set_header X-Forwarded-For $remote_addr;"
	for name, c := range map[string]struct {
		front  func(*testing.T) *front
		status int // of a stranger's notification to the origin's /events
		honest int // of one from an allowed address
		answer string
		word   string
	}{
		"nginx, the example": {func(t *testing.T) *front { return nginx(t, to) }, 404, 200, yes, "is not believed"},
		"Caddy, the example": {func(t *testing.T) *front { return caddy(t, to) }, 404, 200, yes, "is not believed"},
		"nginx adds": {func(t *testing.T) *front {
			return nginx(t, to, written, "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")
		}, 404, 200, yes, "is not believed"},
		"nginx passes on": {func(t *testing.T) *front {
			return nginx(t, to, written, "proxy_set_header X-Forwarded-For $http_x_forwarded_for;")
		}, 200, 404, no, "is believed"},
		"nginx says nothing":  {func(t *testing.T) *front { return nginx(t, to, written, "") }, 200, 404, no, "is believed"},
		"nginx takes it away": {func(t *testing.T) *front { return nginx(t, to, written, `proxy_set_header X-Forwarded-For "";`) }, 404, 404, no, "does not say where requests come from"},
		"nginx believes all": {func(t *testing.T) *front {
			return nginx(t, to, written, "set_real_ip_from 0.0.0.0/0; real_ip_header X-Forwarded-For; "+written)
		}, 200, 200, no, "is believed"},
		"nginx, X-Real-IP": {func(t *testing.T) *front {
			return nginx(t, to, written, "set_real_ip_from 0.0.0.0/0; real_ip_header X-Real-IP; "+written)
		}, 200, 200, no, "is believed"},
		"Caddy passes on": {func(t *testing.T) *front {
			return caddy(t, to, "reverse_proxy "+to, "reverse_proxy "+to+" {\n\t\theader_up X-Forwarded-For {http.request.header.X-Forwarded-For}\n\t}")
		}, 200, 404, no, "is believed"},
		"Caddy adds": {func(t *testing.T) *front {
			return caddy(t, to, "reverse_proxy "+to, "reverse_proxy "+to+" {\n\t\ttrusted_proxies 0.0.0.0/0\n\t}")
		}, 404, 200, yes, "is not believed"},
	} {
		t.Run(name, func(t *testing.T) {
			f := c.front(t)
			if got := f.post(fmt.Sprintf("https://127.0.0.1:%d/events", f.port), "198.51.100.77"); got != c.status {
				t.Errorf("a forged notification is answered %d, want %d", got, c.status)
			}
			if got := f.post(f.uri(outside(t))+"/events", ""); got != c.honest {
				t.Errorf("an honest notification is answered %d, want %d", got, c.honest)
			}
			foreign := in.metric(`fonoteka_intake_requests_total{outcome="foreign"}`)
			for _, host := range []string{outside(t), "127.0.0.1"} {
				found := f.doctor(in, host)
				if got := found["forged source"]; got.Answer != c.answer || !strings.Contains(got.Means, c.word) {
					t.Errorf("doctor by %s: %+v", host, got)
				}
				if got := found["redirect URI"]; got.Answer != yes {
					t.Errorf("doctor by %s: %+v", host, got)
				}
			}
			if got := in.metric(`fonoteka_intake_requests_total{outcome="foreign"}`); got != foreign {
				t.Errorf("doctor itself was counted as foreign: %s, then %s", foreign, got)
			}
		})
	}
	in.stop()
}

// Without a named proxy no header is believed, whatever the proxy does with it, and
// nothing is lost.
func TestAttackNoForgedSourceWithoutANamedProxy(t *testing.T) {
	t.Parallel()
	in := install(t).start()
	to := in.runtime().PublicListen
	const written = "proxy_set_header X-Forwarded-For $remote_addr;"
	for _, line := range []string{written, "", `proxy_set_header X-Forwarded-For "";`} {
		f := nginx(t, to, written, line)
		if got := f.post(f.uri("127.0.0.1")+"/events", "198.51.100.77"); got != http.StatusOK {
			t.Errorf("%q: a notification is answered %d", line, got)
		}
		if got := f.doctor(in, "127.0.0.1")["forged source"]; got.Answer != yes || !strings.Contains(got.Means, "no named proxy") {
			t.Errorf("%q: %+v", line, got)
		}
	}
	in.stop()
	f := nginx(t, to)
	if got := f.doctor(in, "127.0.0.1")["forged source"]; got.Answer != notTried {
		t.Errorf("of a stopped installation: %+v", got)
	}
}
