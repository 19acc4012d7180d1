package edge_test

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/edge"
)

// authority is Let's Encrypt's test server for ACME. It asks for tls-alpn-01 on
// the given port instead of 443.
func authority(t *testing.T, port int) (srv *httptest.Server, trust string, issued *x509.CertPool) {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	quiet, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	c := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "default"}})
	v := va.New(quiet, 0, port, false, "", store)
	w := wfe.New(quiet, store, v, c, []string{"pebble.example.org"}, false, false, 1, 1)
	srv = httptest.NewTLSServer(w.Handler())
	t.Cleanup(srv.Close)
	trust = filepath.Join(t.TempDir(), "authority.pem")
	write(t, trust, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	issued = x509.NewCertPool()
	issued.AddCert(c.GetRootCert(0).Cert)
	return srv, trust, issued
}

func TestACertificateComesByACMEOnTheListenerItself(t *testing.T) {
	l := listenTCP(t)
	port := l.Addr().(*net.TCPAddr).Port
	ca, trust, issued := authority(t, port)
	o := edge.ACMEOptions{Hosts: []string{"localhost"}, Dir: t.TempDir(), Directory: ca.URL + wfe.DirectoryPath, Roots: trust, Port: port}
	live := func(l net.Listener, o edge.ACMEOptions) (number int64) {
		reg := prometheus.NewPedanticRegistry()
		o.Registerer = reg
		a, err := edge.NewACME(o)
		if err != nil {
			t.Fatal(err)
		}
		serveTLS(t, l, a.TLS(), a.Run)
		until(t, "a certificate that the authority's root vouches for", func() bool {
			number = serial(l.Addr().String(), "localhost", issued)
			return number != 0
		})
		if n := counter(t, reg, "fonoteka_edge_acme_failures_total"); n != 0 {
			t.Errorf("%v failures", n)
		}
		return number
	}
	first := live(l, o)

	// A second life has it at once, and asks nobody.
	ca.Close()
	if second := live(listenTCP(t), o); second != first {
		t.Errorf("serial %d in its second life, %d in its first", second, first)
	}
}
