package blob_test

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"

	"fonoteka/internal/blob"
	"fonoteka/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// server is one of the S3 servers that tests run on.
type server struct {
	name    string
	start   func(testing.TB) (addr, key, secret string)
	encrypt bool // it has a key to encrypt with
}

var servers = []server{{"versitygw", embeddedtest.S3, false}, {"minio", embeddedtest.MinIO, true}}

// onBoth runs a test on both servers.
func onBoth(t *testing.T, test func(t *testing.T, s server)) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.start(t) // skips here, not somewhere in the test
			test(t, s)
		})
	}
}

// url names a bucket of the test's own that does not exist yet.
func (s server) url(t testing.TB) string {
	addr, key, secret := s.start(t)
	return "s3://" + key + ":" + secret + "@" + addr + "/t-" + strings.ToLower(rand.Text()[:16]) + "?secure=false"
}

func (s server) open(t testing.TB, o blob.Options) *blob.Bucket {
	t.Helper()
	if o.URL == "" {
		o.URL = s.url(t)
	}
	b, err := blob.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// bucket is open, the bucket being made.
func (s server) bucket(t testing.TB, o blob.Options) *blob.Bucket {
	t.Helper()
	b := s.open(t, o)
	if err := b.EnsureBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// raw is a client that asks the server itself, without Fonoteka between.
func (s server) raw(t testing.TB) *minio.Client {
	t.Helper()
	addr, key, secret := s.start(t)
	c, err := minio.New(addr, &minio.Options{Creds: credentials.NewStaticV4(key, secret, ""), Region: "us-east-1", TrailingHeaders: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// watched is the address of a bucket through a proxy that counts the requests
// which would delete something.
func (s server) watched(t testing.TB) (address string, deletions *atomic.Int32) {
	t.Helper()
	u, err := url.Parse(s.url(t))
	if err != nil {
		t.Fatal(err)
	}
	target := u.Host
	deletions = new(atomic.Int32)
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		if r.In.Method == http.MethodDelete || r.In.Method == http.MethodPost && r.In.URL.Query().Has("delete") {
			deletions.Add(1)
		}
		r.Out.URL.Scheme, r.Out.URL.Host = "http", target
		r.Out.Host = r.In.Host // it is part of what is signed
	}})
	t.Cleanup(proxy.Close)
	u.Host = proxy.Listener.Addr().String()
	return u.String(), deletions
}

// spoiled is the address of a bucket through a proxy that takes a header out of
// requests, which it signs anew, and answers 501 to each POST with a parameter.
func (s server) spoiled(t testing.TB, header, parameter string) (address string) {
	t.Helper()
	u, err := url.Parse(s.url(t))
	if err != nil {
		t.Fatal(err)
	}
	target, key := u.Host, u.User.Username()
	secret, _ := u.User.Password()
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", target
		r.Out.Host = r.In.Host
		if r.Out.Header.Get(header) != "" {
			r.Out.Header.Del(header)
			r.Out = signer.SignV4(*r.Out, key, secret, "", "us-east-1")
		}
	}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Query().Has(parameter) {
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	u.Host = proxy.Listener.Addr().String()
	return u.String()
}

// s3URL names a bucket on the embedded store that does not exist yet.
func s3URL(t testing.TB) string { return servers[0].url(t) }
