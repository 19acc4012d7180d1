package warehouse_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/warehouse"
)

// A wrong port or a TLS that is missing or too much is told with what to write instead.
func TestAWrongAddressIsToldWithWhatToWrite(t *testing.T) {
	t.Parallel()
	native, addr, user, password := embeddedtest.ClickHouse(t)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	silent := secure.Listener.Addr().String()
	for _, c := range []struct {
		o    warehouse.Options
		said string
	}{
		{warehouse.Options{Addrs: []string{addr}}, "a port for HTTP"},
		{warehouse.Options{Addrs: []string{native}, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, "without TLS on this port"},
		{warehouse.Options{Addrs: []string{silent}, TLS: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "example.com"}}, "SSL_CERT_FILE"},
	} {
		c.o.User, c.o.Password = user, password
		if err := connect(t, c.o).Ping(t.Context()); err == nil || !strings.Contains(err.Error(), c.said) {
			t.Errorf("nothing of %q: %v", c.said, err)
		}
	}
}

// Queries in the server's formats go by HTTP: where that port does not answer, its name is
// told, and which one all else uses.
func TestAnHTTPPortThatDoesNotAnswerIsNamed(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	o := options(t)
	o.HTTPAddr = closed.Addr().String()
	err = connect(t, o).QueryFormat(t.Context(), &bytes.Buffer{}, "SELECT 1", "CSV")
	if err == nil || !strings.Contains(err.Error(), "the HTTP port "+o.HTTPAddr) || !strings.Contains(err.Error(), o.Addrs[0]) || !strings.Contains(err.Error(), "http_port") {
		t.Errorf("err = %v", err)
	}
}

// A server that takes connections and says nothing is not waited for without end.
func TestASilentHTTPPortIsGivenUp(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	o := options(t)
	o.HTTPAddr = silent.Addr().String()
	if err := connect(t, o).QueryFormat(t.Context(), &bytes.Buffer{}, "SELECT 1", "CSV"); err == nil || !strings.Contains(err.Error(), "http_port") {
		t.Errorf("err = %v", err)
	}
}

// Who can only read is known before serve tries to write, and without a trial.
func TestMissingRightsAreNamed(t *testing.T) {
	t.Parallel()
	db := open(t)
	if missing, err := db.MissingRights(t.Context()); err != nil || len(missing) > 0 {
		t.Errorf("the writer: %v, %v", missing, err)
	}
	must(t, db.Exec(t.Context(), "CREATE DATABASE IF NOT EXISTS fonoteka")) // the one that the reader may read
	o := options(t)
	o.User, o.Password = embeddedtest.Reader()
	o.Database = "fonoteka"
	missing, err := connect(t, o).MissingRights(t.Context())
	if err != nil || !strings.Contains(strings.Join(missing, ", "), "INSERT on `fonoteka`.*") {
		t.Errorf("the reader: %v, %v", missing, err)
	}
	if empty, err := db.Empty(t.Context()); err != nil || !empty {
		t.Errorf("a new database is empty: %v, %v", empty, err)
	}
}
