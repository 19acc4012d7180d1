package edge_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"fonoteka/internal/edge"
)

// certify writes a certificate of its own making, as certbot's files are.
func certify(t *testing.T, dir string, serial int64, ends time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "calls.example.org"}, DNSNames: []string{"calls.example.org"},
		NotBefore: ends.Add(-90 * 24 * time.Hour), NotAfter: ends,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "fullchain.pem"), filepath.Join(dir, "privkey.pem")
	write(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	return cert, key
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// serveTLS serves behind an edge until the test ends, and runs run beside it.
func serveTLS(t *testing.T, l net.Listener, config *tls.Config, run func(context.Context) error) {
	t.Helper()
	e, err := edge.New(edge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { e.MarkAuthenticated(r) }), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	e.Configure(srv)
	ctx, cancel := context.WithCancel(context.Background())
	served, ran := make(chan error, 1), make(chan error, 1)
	go func() { served <- srv.Serve(tls.NewListener(e.Listener(l), config)) }()
	go func() { ran <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		_ = srv.Close()
		<-served
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
}

// serial connects and returns the serial number of the certificate, 0 for none.
func serial(addr, host string, roots *x509.CertPool) int64 {
	c, err := tls.Dial("tcp", addr, &tls.Config{ServerName: host, RootCAs: roots, InsecureSkipVerify: roots == nil, MinVersion: tls.VersionTLS12})
	if err != nil {
		return 0
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// until waits, since what is waited for is a file being read by another.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestACertificateIsReadAgainWhenItsFilesChange(t *testing.T) {
	t.Parallel()
	dir, reg := t.TempDir(), prometheus.NewPedanticRegistry()
	soon := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	cert, key := certify(t, dir, 1, soon)
	f, err := edge.NewFiles(edge.FilesOptions{Certificate: cert, Key: key, Every: 10 * time.Millisecond, Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	l := listenTCP(t)
	addr := l.Addr().String()
	serveTLS(t, l, f.TLS(), f.Run)
	if n := serial(addr, "calls.example.org", nil); n != 1 {
		t.Fatalf("serial %d", n)
	}
	write(t, key, []byte("half a key"))
	until(t, "a failure is counted", func() bool { return counter(t, reg, "fonoteka_edge_certificate_failures_total") > 0 })
	if n := serial(addr, "calls.example.org", nil); n != 1 {
		t.Errorf("with a broken key: serial %d", n)
	}
	later := soon.Add(60 * 24 * time.Hour)
	certify(t, dir, 2, later)
	until(t, "the new one is served", func() bool { return serial(addr, "calls.example.org", nil) == 2 })
	if got := counter(t, reg, "fonoteka_edge_certificate_not_after_timestamp_seconds"); got != float64(later.Unix()) {
		t.Errorf("ends %v", got)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func counter(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func TestACertificateThatCannotBeUsedIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := certify(t, dir, 1, time.Now().Add(time.Hour))
	for _, o := range []edge.FilesOptions{{}, {Certificate: cert}, {Certificate: cert, Key: cert}, {Certificate: filepath.Join(dir, "none"), Key: key}} {
		if _, err := edge.NewFiles(o); err == nil {
			t.Errorf("%+v", o)
		}
	}
}
