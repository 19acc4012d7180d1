package blob_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fonoteka/internal/blob"
)

// TLS that is missing or too much is told with what to write instead.
func TestAWrongSchemeIsToldWithWhatToWrite(t *testing.T) {
	t.Parallel()
	plain, secure := httptest.NewServer(http.NotFoundHandler()), httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	for _, c := range []struct{ url, check, do string }{
		{"s3://k:theSecret@" + plain.Listener.Addr().String() + "/bucket", "reachable", "?secure=false"},
		{"s3://k:theSecret@" + secure.Listener.Addr().String() + "/bucket", "reachable", "SSL_CERT_FILE"},
		{"s3://k:theSecret@" + secure.Listener.Addr().String() + "/bucket?secure=false", "credentials", "wants TLS"},
	} {
		b, err := blob.Open(blob.Options{URL: c.url})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if f := probed(t, c.url, b)[c.check]; f.Answer != blob.No || !strings.Contains(f.Do, c.do) {
			t.Errorf("%s: %+v", c.check, f)
		}
		if err := b.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), c.do) { // as the log of serve says it
			t.Errorf("nothing of %q: %v", c.do, err)
		}
	}
}
