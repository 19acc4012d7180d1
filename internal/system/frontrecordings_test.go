package system

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/state"
)

// People listen through a proxy by https, under the name that the settings have; nothing
// else of the private listener comes through.
func TestRecordingsAreHeardThroughTheProxiesOfTheHandbook(t *testing.T) {
	t.Parallel()
	in := install(t, "FONOTEKA_RECORDINGS_URL=https://archive.example.org").start().ready()
	v, err := state.Read(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func() *front{
		"nginx": func() *front {
			f := newFront(t)
			conf := f.example("recordings-nginx.conf", "", "127.0.0.1:8090;", in.runtime().PrivateListen+";",
				"listen 443 ssl;", fmt.Sprintf("listen 0.0.0.0:%d ssl;", f.port), "listen [::]:443 ssl;", "",
				"/etc/letsencrypt/live/archive.example.org/fullchain.pem", f.pem, "/etc/letsencrypt/live/archive.example.org/privkey.pem", f.key)
			whole := filepath.Join(f.dir, "nginx.conf")
			f.write(whole, fmt.Appendf(nil, `daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log; events { worker_connections 64; }
http { access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
%s
}
`, f.dir, conf))
			return f.runs("nginx", "-c", whole, "-p", f.dir, "-e", filepath.Join(f.dir, "error.log"))
		},
		"Caddy": func() *front {
			f := newFront(t)
			conf := f.example("recordings-Caddyfile", "", "127.0.0.1:8090\n", in.runtime().PrivateListen+"\n",
				"\narchive.example.org {", fmt.Sprintf("{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\nhttps://archive.example.org:%[1]d, https://other.example.org:%[1]d {\n\ttls %[2]s %[3]s", f.port, f.pem, f.key))
			whole := filepath.Join(f.dir, "Caddyfile")
			f.write(whole, []byte(conf))
			return f.runs("caddy", "run", "--adapter", "caddyfile", "--config", whole)
		},
	} {
		f := run()
		client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{ServerName: "archive.example.org", InsecureSkipVerify: true}}}
		ask := func(host, path string, header http.Header) (int, string) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d%s", f.port, path), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			if header != nil {
				req.Header = header
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode, string(b)
		}
		host, unknown := fmt.Sprintf("archive.example.org:%d", f.port), "/recordings/"+strings.Repeat("a", 32)
		if status, body := ask(host, unknown, nil); status != http.StatusUnauthorized || !strings.Contains(body, "password") {
			t.Errorf("%s, without a password: %d %s", name, status, clip(body))
		}
		if status, body := ask(host, unknown, basic("anna", v.RecordingsPassword)); status != http.StatusNotFound || !strings.Contains(body, "no such recording") {
			t.Errorf("%s, with it: %d %s", name, status, clip(body))
		}
		for _, path := range []string{"/metrics", "/healthz", "/admin/probe", "/"} {
			if status, body := ask(host, path, nil); status != http.StatusNotFound || strings.Contains(body, "fonoteka_") {
				t.Errorf("%s, %s: %d %s", name, path, status, clip(body))
			}
		}
		if status, body := ask(fmt.Sprintf("other.example.org:%d", f.port), unknown, nil); status != http.StatusMisdirectedRequest || !strings.Contains(body, "--allowed-hosts other.example.org") {
			t.Errorf("%s, under another name: %d %s", name, status, clip(body))
		}
	}
	in.stop()
}
