package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/doctor"
)

const secret = "/mtt/not-to-be-told"

// authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func certify(t *testing.T, by *authority, name string, isCA bool, until time.Time, hosts ...string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: hosts,
		NotBefore: time.Now().Add(-400 * 24 * time.Hour), NotAfter: until, IsCA: isCA, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

// listener answers as the public listener does.
func listener(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, secret) || strings.HasPrefix(r.URL.Path, secret+"-") {
		http.NotFound(w, r)
	}
}

func serveTLS(t *testing.T, h http.HandlerFunc, chain ...*authority) *url.URL {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	pair := tls.Certificate{PrivateKey: chain[0].key}
	for _, c := range chain {
		pair.Certificate = append(pair.Certificate, c.cert.Raw)
	}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	u, _ := url.Parse(strings.Replace(s.URL, "127.0.0.1", "localhost", 1) + secret)
	return u
}

func TestTheWayToTheRedirectURIIsExamined(t *testing.T) {
	t.Parallel()
	year := time.Now().Add(365 * 24 * time.Hour)
	root := certify(t, nil, "root", true, year)
	middle := certify(t, root, "middle", true, year)
	trusted := x509.NewCertPool()
	trusted.AddCert(root.cert)
	leaf := func(by *authority, until time.Time, host string) *authority {
		return certify(t, by, "leaf", false, until, host)
	}
	whole := []*authority{leaf(middle, year, "localhost"), middle}
	for name, c := range map[string]struct {
		chain   []*authority
		handler http.HandlerFunc
		check   string
		answer  doctor.Answer
		word    string // in what is said
	}{
		"all is well":          {whole, listener, "certificate", doctor.Yes, "good for 36"},
		"and it answers":       {whole, listener, "redirect URI", doctor.Yes, "GET, HEAD"},
		"a private address":    {whole, listener, "name", doctor.Look, "cannot reach"},
		"soon at its end":      {[]*authority{leaf(middle, time.Now().Add(50*time.Hour), "localhost"), middle}, listener, "certificate", doctor.Look, "2 days"},
		"ended":                {[]*authority{leaf(middle, time.Now().Add(-time.Hour), "localhost"), middle}, listener, "certificate", doctor.No, "ended on"},
		"another name":         {[]*authority{leaf(middle, year, "calls.example.org"), middle}, listener, "certificate", doctor.No, "calls.example.org"},
		"no intermediate":      {whole[:1], listener, "certificate", doctor.No, "fullchain.pem"},
		"signed by itself":     {[]*authority{certify(t, nil, "self", true, year, "localhost")}, listener, "certificate", doctor.No, "public authority"},
		"the proxy's 404":      {whole, http.NotFound, "redirect URI", doctor.No, "404"},
		"HEAD is forgotten":    {whole, func(w http.ResponseWriter, r *http.Request) { refuse(w, r, http.MethodHead) }, "redirect URI", doctor.No, "HEAD of the redirect URI is answered with 405"},
		"POST is forgotten":    {whole, func(w http.ResponseWriter, r *http.Request) { refuse(w, r, http.MethodPost) }, "redirect URI", doctor.No, "POST to its /events is answered with 405"},
		"every path is served": {whole, func(http.ResponseWriter, *http.Request) {}, "redirect URI", doctor.Look, "a path nobody knows"},
		"it redirects":         {whole, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, "redirect URI", doctor.No, "302"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := doctor.Redirect{URI: serveTLS(t, c.handler, c.chain...), Roots: trusted, Now: time.Now()}
			f := find(t, r.Examine(t.Context()), c.check)
			if f.Answer != c.answer || !strings.Contains(f.Means+f.Do+f.Detail, c.word) {
				t.Errorf("%+v, want %s and %q", f, c.answer, c.word)
			}
		})
	}
}

func refuse(w http.ResponseWriter, r *http.Request, method string) {
	if r.Method == method {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	listener(w, r)
}

func TestARedirectURIWithoutAPathIsNoSecret(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	u, _ := url.Parse(s.URL)
	f := find(t, doctor.Redirect{URI: u, Now: time.Now()}.Examine(t.Context()), "redirect URI")
	if f.Answer != doctor.Look || !strings.Contains(f.Means, "no path") {
		t.Errorf("%+v", f)
	}
}

func TestNothingIsAskedOfAHostWithoutAnAddress(t *testing.T) {
	t.Parallel()
	u, _ := url.Parse("https://nowhere.invalid" + secret)
	all := doctor.Redirect{URI: u, Now: time.Now()}.Examine(t.Context())
	if f := find(t, all, "name"); f.Answer != doctor.No || f.Do == "" {
		t.Errorf("%+v", f)
	}
	for _, check := range []string{"certificate", "redirect URI"} {
		if f := find(t, all, check); f.Answer != doctor.NotTried {
			t.Errorf("%+v", f)
		}
	}
}

func TestAHostThatDoesNotAnswerIsNamedWithoutTheSecret(t *testing.T) {
	t.Parallel()
	u, _ := url.Parse("http://127.0.0.1:1" + secret)
	f := find(t, doctor.Redirect{URI: u, Now: time.Now()}.Examine(t.Context()), "redirect URI")
	if f.Answer != doctor.No || !strings.Contains(f.Detail, "refused") {
		t.Errorf("%+v", f)
	}
}

// find also holds every text against the secret.
func find(t *testing.T, all []doctor.Finding, check string) doctor.Finding {
	t.Helper()
	for _, f := range all {
		if strings.Contains(fmt.Sprint(f), "not-to-be-told") {
			t.Errorf("the secret is told: %+v", f)
		}
	}
	for _, f := range all {
		if f.Check == check {
			if (f.Answer == doctor.No || f.Answer == doctor.Look) && f.Do == "" {
				t.Errorf("nothing to do: %+v", f)
			}
			return f
		}
	}
	t.Fatalf("no finding of %q in %+v", check, all)
	return doctor.Finding{}
}

func TestTheClockIsComparedWithAnothers(t *testing.T) {
	t.Parallel()
	at := func(off time.Duration) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusForbidden)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	for off, want := range map[time.Duration]doctor.Answer{
		0: doctor.Yes, 20 * time.Second: doctor.Yes, 40 * time.Second: doctor.No, -2 * time.Hour: doctor.No,
	} {
		if f := doctor.Clock(t.Context(), at(off)); f.Answer != want {
			t.Errorf("%s off: %+v", off, f)
		}
	}
	if f := doctor.Clock(t.Context(), "http://127.0.0.1:1"); f.Answer == doctor.No {
		t.Errorf("nobody there: %+v", f)
	}
}

func TestTheDiskIsMeasuredAgainstTheReserve(t *testing.T) {
	t.Parallel()
	for reserve, want := range map[uint64]doctor.Answer{1: doctor.Yes, 1 << 62: doctor.No} {
		if f := doctor.Disk(t.TempDir(), reserve); f.Answer != want {
			t.Errorf("reserve %d: %+v", reserve, f)
		}
	}
	if f := doctor.Disk("/no/such/folder", 1); f.Answer != doctor.No {
		t.Errorf("%+v", f)
	}
}

func TestARunningProcessIsAsked(t *testing.T) {
	t.Parallel()
	ready, metrics := http.StatusOK, ""
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "notifications: ok") })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(ready)
		fmt.Fprintln(w, "notifications: ok\nredis: connection refused")
	})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, metrics) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	ask := func(check string) doctor.Finding {
		t.Helper()
		return find(t, doctor.Running(context.Background(), s.URL), check)
	}
	for _, check := range []string{"notifications", "everything behind", "spool", "astray"} {
		if f := ask(check); f.Answer != doctor.Yes {
			t.Errorf("%+v", f)
		}
	}
	ready = http.StatusServiceUnavailable
	metrics = `# TYPE fonoteka_spool_cursor_lag_seconds gauge
fonoteka_spool_cursor_lag_seconds{cursor="warehouse"} 2
fonoteka_spool_cursor_lag_seconds{cursor="recordings"} 3600
# TYPE fonoteka_intake_requests_total counter
fonoteka_intake_requests_total{outcome="kept"} 10
fonoteka_intake_requests_total{outcome="misdirected"} 3
`
	if f := ask("everything behind"); f.Answer != doctor.No || f.Detail != "redis: connection refused" {
		t.Errorf("%+v", f)
	}
	if f := ask("spool"); f.Answer != doctor.Look || !strings.Contains(f.Means, `"recordings" of the spool is 1h0m0s behind`) {
		t.Errorf("%+v", f)
	}
	if f := ask("astray"); f.Answer != doctor.No || !strings.HasSuffix(f.Means, "since serve was started: 3") {
		t.Errorf("%+v", f)
	}
	s.Close()
	if f := ask("notifications"); f.Answer != doctor.No {
		t.Errorf("%+v", f)
	}
}
