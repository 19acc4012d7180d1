package tsa_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/testenv"
	"fonoteka/internal/tsa"
)

// authority is one of openssl's, behind HTTP.
type authority struct {
	t   *testing.T
	dir string
	url string
	mu  sync.Mutex

	query []byte // the last that came
	other []byte // answered instead, where it is there
}

// conf is what openssl makes certificates and answers by.
const conf = `
[req]
distinguished_name = dn
prompt = no
[dn]
CN = Test
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[stamps]
basicConstraints = CA:false
extendedKeyUsage = critical, timeStamping
[mild]
basicConstraints = CA:false
extendedKeyUsage = timeStamping
[mail]
basicConstraints = CA:false
extendedKeyUsage = critical, emailProtection
[tsa]
default_tsa = it
[it]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`

func newAuthority(t *testing.T, usage string, days string) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.write("conf", conf)
	a.write("serial", "01\n")
	a.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "3650", "-subj", "/CN=Test CA", "-config", "conf", "-extensions", "ca")
	a.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/O=Test/CN=Test stamps", "-config", "conf")
	a.openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tsa.pem", "-days", days, "-extfile", "conf", "-extensions", usage)
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	a.url = srv.URL
	return a
}

func (a *authority) write(name, text string) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) read(name string) []byte {
	a.t.Helper()
	b, err := os.ReadFile(filepath.Join(a.dir, name))
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func (a *authority) openssl(args ...string) string {
	a.t.Helper()
	out, err := a.try(args...)
	if err != nil {
		a.t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return out
}

func (a *authority) try(args ...string) (string, error) {
	testenv.Need(a.t, "openssl")
	cmd := exec.Command("openssl", args...)
	cmd.Dir = a.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	query, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "no query", http.StatusBadRequest)
		return
	}
	a.query = query
	w.Header().Set("Content-Type", "application/timestamp-reply")
	if a.other != nil {
		_, _ = w.Write(a.other)
		return
	}
	_, _ = w.Write(a.reply(query))
}

// reply signs a query.
func (a *authority) reply(query []byte) []byte {
	a.write("q.tsq", string(query))
	if out, err := a.try("ts", "-reply", "-queryfile", "q.tsq", "-out", "r.tsr", "-config", "conf", "-section", "it", "-signer", "tsa.pem", "-inkey", "tsa.key", "-chain", "ca.pem"); err != nil {
		a.t.Errorf("openssl ts -reply: %v\n%s", err, out)
	}
	return a.read("r.tsr")
}

func (a *authority) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(a.read("ca.pem"))
	return pool
}

var content = []byte("tag manifest\n")

func TestOpensslAcceptsWhatWeGot(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "stamps", "100")
	response, err := tsa.Ask(t.Context(), http.DefaultClient, a.url, sha256.Sum256(content))
	if err != nil {
		t.Fatal(err)
	}
	a.write("m", string(content))
	a.write("m.tsr", string(response))
	if out := a.openssl("ts", "-verify", "-data", "m", "-in", "m.tsr", "-CAfile", "ca.pem"); !strings.Contains(out, "Verification: OK") {
		t.Errorf("openssl: %s", out)
	}
	s, err := tsa.Check(response, tsa.Options{Digest: sha256.Sum256(content), Roots: a.roots()})
	if err != nil || !s.Trusted || !strings.Contains(s.Authority, "Test stamps") || time.Since(s.Time).Abs() > time.Hour || s.Policy != "1.2.3.4.1" {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = tsa.Check(response, tsa.Options{Digest: sha256.Sum256(content)})
	if err != nil || s.Trusted {
		t.Errorf("without roots: %+v, %v", s, err)
	}
}

func TestWhatIsWrongWithATimeStampIsRefused(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t, "stamps", "100"), newAuthority(t, "stamps", "100")
	digest := sha256.Sum256(content)
	response, err := tsa.Ask(t.Context(), http.DefaultClient, a.url, digest)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(response)
	flipped[len(flipped)-1] ^= 1 // of the signature
	for name, c := range map[string]struct {
		response []byte
		o        tsa.Options
		want     error
	}{
		"another CA":      {response, tsa.Options{Digest: digest, Roots: other.roots()}, tsa.ErrCertificate},
		"no CA":           {response, tsa.Options{Digest: digest, Roots: x509.NewCertPool()}, tsa.ErrCertificate},
		"another content": {response, tsa.Options{Digest: sha256.Sum256([]byte("x")), Roots: a.roots()}, tsa.ErrOtherDigest},
		"another nonce":   {response, tsa.Options{Digest: digest, Nonce: big.NewInt(1)}, tsa.ErrOtherNonce},
		"a flipped bit":   {flipped, tsa.Options{Digest: digest}, tsa.ErrForm},
		"cut off":         {response[:len(response)-10], tsa.Options{Digest: digest}, tsa.ErrForm},
		"more behind it":  {append(bytes.Clone(response), 0), tsa.Options{Digest: digest}, tsa.ErrForm},
		"empty":           {nil, tsa.Options{Digest: digest}, tsa.ErrForm},
	} {
		if s, err := tsa.Check(c.response, c.o); !errors.Is(err, c.want) || s.Trusted {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// openssl itself refuses to stamp with a certificate that is not for it, so that one is
// put in after the fact: the certificate is in the response, and the signature names it.
func TestACertificateThatIsNotForTimeStampsIsRefused(t *testing.T) {
	t.Parallel()
	for _, usage := range []string{"mail", "mild"} {
		a := newAuthority(t, usage, "100")
		digest := sha256.Sum256(content)
		response := signedBy(t, a, digest)
		if _, err := tsa.Check(response, tsa.Options{Digest: digest, Roots: a.roots()}); !errors.Is(err, tsa.ErrCertificate) {
			t.Errorf("%s: error %v", usage, err)
		}
		a.other = response
		if _, err := tsa.Ask(t.Context(), http.DefaultClient, a.url, digest); err == nil {
			t.Errorf("%s: Ask took it", usage)
		}
	}
}

// A stamp that was made when its certificate was not valid any more.
func TestACertificateThatHadExpiredIsRefused(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "stamps", "100")
	digest := sha256.Sum256(content)
	for name, at := range map[string]time.Time{"after": time.Now().AddDate(1, 0, 0), "before": time.Now().AddDate(-1, 0, 0)} {
		response := signedAt(t, a, digest, at)
		if s, err := tsa.Check(response, tsa.Options{Digest: digest, Roots: a.roots()}); !errors.Is(err, tsa.ErrCertificate) || s.Trusted {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	response := signedAt(t, a, digest, time.Now().Add(time.Minute))
	if s, err := tsa.Check(response, tsa.Options{Digest: digest, Roots: a.roots()}); err != nil || !s.Trusted {
		t.Errorf("within: %+v, %v", s, err)
	}
}

// An answer from before, to another request, is not taken for ours.
func TestAnOldAnswerIsRefused(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "stamps", "100")
	digest := sha256.Sum256(content)
	old, err := tsa.Ask(t.Context(), http.DefaultClient, a.url, digest)
	if err != nil {
		t.Fatal(err)
	}
	a.other = old
	if _, err := tsa.Ask(t.Context(), http.DefaultClient, a.url, digest); !errors.Is(err, tsa.ErrOtherNonce) {
		t.Errorf("error %v", err)
	}
}

func TestAnAuthorityThatAnswersOddly(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "stamps", "100")
	digest := sha256.Sum256(content)
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  string
	}{
		"refuses": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(a.reply([]byte("no query"))) }, "refused"},
		"fails":   {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "x", http.StatusServiceUnavailable) }, "503"},
		"a page":  {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "no time stamp"},
		"floods":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2*tsa.MaxResponse)) }, "longer"},
	} {
		srv := httptest.NewServer(c.serve)
		_, err := tsa.Ask(t.Context(), http.DefaultClient, srv.URL, digest)
		srv.Close()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	_, err := tsa.Ask(t.Context(), http.DefaultClient, "http://user:secret@127.0.0.1:1/path?token=secret", digest)
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

func certificate(t *testing.T, a *authority) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(a.read("tsa.pem"))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
