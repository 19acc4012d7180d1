package system

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fonoteka/internal/testenv"
)

// front is a real proxy before a serve.
type front struct {
	t    *testing.T
	dir  string
	port int
	pem  string // the certificate, which vouches for itself
	key  string
}

// newFront prepares the folder of one.
func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{t: t, dir: t.TempDir(), port: testenv.Ports(t, 1)[0]}
	f.pem, f.key = filepath.Join(f.dir, "fullchain.pem"), filepath.Join(f.dir, "privkey.pem")
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "proxy"}, DNSNames: []string{"localhost"}, IPAddresses: addresses(t),
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 2, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	f.write(f.pem, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	f.write(f.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	return f
}

// addresses are those of this machine, loopback first.
func addresses(t *testing.T) (all []net.IP) {
	t.Helper()
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if ip := a.(*net.IPNet).IP; ip.To4() != nil || ip.IsLoopback() {
			all = append(all, ip)
		}
	}
	slices.SortStableFunc(all, func(a, b net.IP) int {
		switch {
		case a.IsLoopback() == b.IsLoopback():
			return 0
		case a.IsLoopback():
			return -1
		}
		return 1
	})
	return all
}

// outside is an address of this machine that is no loopback address.
func outside(t *testing.T) string {
	t.Helper()
	all := addresses(t)
	if last := all[len(all)-1]; last.To4() != nil && !last.IsLoopback() {
		return last.String()
	}
	testenv.Missing(t, "this machine has no IPv4 address but loopback")
	return ""
}

func (f *front) write(name string, content []byte) {
	f.t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// example is a file of deploy/proxy for this front and this serve.
func (f *front) example(name, to string, replace ...string) string {
	f.t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../deploy/proxy", name))
	if err != nil {
		f.t.Fatal(err)
	}
	text := string(raw)
	for pairs := slices.Concat([]string{"127.0.0.1:8080;", to + ";", "127.0.0.1:8080\n}", to + "\n}"}, replace); len(pairs) > 0; pairs = pairs[2:] {
		if len(replace) > 0 && !strings.Contains(text, pairs[0]) && slices.Contains(replace, pairs[0]) {
			f.t.Fatalf("%s has no %q", name, pairs[0])
		}
		text = strings.ReplaceAll(text, pairs[0], pairs[1])
	}
	return text
}

// runs starts the program and waits until it listens.
func (f *front) runs(program string, args ...string) *front {
	f.t.Helper()
	path := testenv.Need(f.t, program)
	var said bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = f.dir, append(os.Environ(), "HOME="+f.dir, "XDG_DATA_HOME="+f.dir, "XDG_CONFIG_HOME="+f.dir)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	f.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", f.port))
		if err == nil {
			c.Close()
			return f
		}
		select {
		case <-ended:
			f.t.Fatalf("%s ended: %s", program, said.String())
		default:
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s does not listen", program)
		}
	}
}

// nginx runs the example, some of its lines replaced.
func nginx(t *testing.T, to string, replace ...string) *front {
	t.Helper()
	f := newFront(t)
	conf := f.example("nginx.conf", to, append([]string{
		"listen 443 ssl;", fmt.Sprintf("listen 0.0.0.0:%d ssl;", f.port), "listen [::]:443 ssl;", "",
		"/etc/letsencrypt/live/calls.example.org/fullchain.pem", f.pem, "/etc/letsencrypt/live/calls.example.org/privkey.pem", f.key,
		"/var/log/nginx/fonoteka.log", filepath.Join(f.dir, "access.log"),
	}, replace...)...)
	whole := filepath.Join(f.dir, "nginx.conf")
	f.write(whole, fmt.Appendf(nil, `daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 64; }
http {
client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
%s
}
`, f.dir, conf))
	return f.runs("nginx", "-c", whole, "-p", f.dir, "-e", filepath.Join(f.dir, "error.log"))
}

// caddy runs the example, some of its lines replaced.
func caddy(t *testing.T, to string, replace ...string) *front {
	t.Helper()
	f := newFront(t)
	conf := f.example("Caddyfile", to, append([]string{
		"\ncalls.example.org {", fmt.Sprintf("{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\nhttps://localhost:%[1]d, https://127.0.0.1:%[1]d, https://%[2]s:%[1]d {\n\ttls %[3]s %[4]s", f.port, outside(t), f.pem, f.key),
	}, replace...)...)
	whole := filepath.Join(f.dir, "Caddyfile")
	f.write(whole, []byte(conf))
	return f.runs("caddy", "run", "--adapter", "caddyfile", "--config", whole)
}

// uri is the redirect URI as the operator has it.
func (f *front) uri(host string) string {
	return fmt.Sprintf("https://%s:%d%s", host, f.port, redirect)
}

// post sends a notification through the proxy. With a claim where it comes from, it
// comes from another address of the loopback network, which is nobody's.
func (f *front) post(uri, claim string) int {
	f.t.Helper()
	roots := x509.NewCertPool()
	raw, err := os.ReadFile(f.pem)
	if err != nil || !roots.AppendCertsFromPEM(raw) {
		f.t.Fatal("no certificate", err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, uri, bytes.NewReader(notification(1)))
	if err != nil {
		f.t.Fatal(err)
	}
	if claim != "" {
		transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 77, 0, 1)}}).DialContext
		for _, name := range []string{"X-Forwarded-For", "X-Real-IP", "Forwarded"} {
			req.Header.Set(name, map[bool]string{true: "for=" + claim, false: claim}[name == "Forwarded"])
		}
	}
	resp, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// doctor asks doctor redirect about the way through the proxy, in a process that
// trusts its certificate.
func (f *front) doctor(in *installation, host string) map[string]finding {
	f.t.Helper()
	cmd := fonoteka(f.t, []string{"SSL_CERT_FILE=" + f.pem}, "doctor", "redirect", "--json", "--data", in.dir, "--redirect-uri", f.uri(host))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, _ := cmd.Output() // fails where something is lacking
	found := findingsOf(f.t, string(out))
	if len(found) == 0 || strings.Contains(string(out)+said.String(), redirect) {
		f.t.Errorf("doctor says\n%s%s", out, said.String())
	}
	return found
}
