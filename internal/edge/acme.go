package edge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.uber.org/zap"

	"fonoteka/internal/run"
)

// ACMEOptions of an ACME. Hosts and Dir are required.
type ACMEOptions struct {
	Hosts     []string // names that the certificates are for
	Dir       string   // keeps certificates, keys and the account; nobody else may read it
	Email     string   // that the authority writes to; may be empty
	Directory string   // URL of the authority; "": Let's Encrypt
	Roots     string   // file in PEM by which the authority itself is trusted; "": those of the system
	// Port is that of the public listener, which the authority's connections to
	// port 443 reach. 0: 443.
	Port int

	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: not registered
}

func (o *ACMEOptions) validate() error {
	if len(o.Hosts) == 0 || o.Dir == "" {
		return errors.New("edge: ACME needs the names of the hosts and a folder")
	}
	if o.Directory == "" {
		o.Directory = certmagic.LetsEncryptProductionCA
	}
	o.Log = run.Log(o.Log)
	return nil
}

// ACME is certificates from an authority, fetched and renewed automatically
// (RFC 8555). The challenge is tls-alpn-01, answered by the public listener itself;
// port 80 is not needed, and the HTTP challenge is off.
type ACME struct {
	opts   ACMEOptions
	cache  *certmagic.Cache
	config *certmagic.Config
	ends   prometheus.Gauge
	failed prometheus.Counter
}

// NewACME prepares it. Nothing is requested before Run.
func NewACME(o ACMEOptions) (*ACME, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	f := promauto.With(o.Registerer)
	a := &ACME{
		opts: o, ends: newEnds(f),
		failed: f.NewCounter(prometheus.CounterOpts{
			Name: "fonoteka_edge_acme_failures_total", Help: "Times the authority did not give a certificate; it is asked again.",
		}),
	}
	var roots *x509.CertPool
	if o.Roots != "" {
		pem, err := os.ReadFile(o.Roots)
		if err != nil {
			return nil, fmt.Errorf("read the roots of the authority: %w", err)
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the roots of the authority: no certificate in %s", o.Roots)
		}
	}
	quiet := zap.NewNop() // its events are logged instead
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.config, nil }, Logger: quiet,
	})
	a.config = certmagic.New(a.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: o.Dir}, DefaultServerName: o.Hosts[0], OnEvent: a.event, Logger: quiet,
	})
	a.config.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(a.config, certmagic.ACMEIssuer{
		CA: o.Directory, Email: o.Email, Agreed: true, TrustedRoots: roots, AltTLSALPNPort: o.Port,
		DisableHTTPChallenge: true, Logger: quiet,
	})}
	return a, nil
}

// event is called by certmagic.
func (a *ACME) event(_ context.Context, event string, data map[string]any) error {
	host, _ := data["identifier"].(string)
	switch event {
	case "cert_obtained":
		a.opts.Log.Info("certificate obtained", "host", host)
	case "cert_failed":
		a.failed.Inc()
		err, _ := data["error"].(error)
		a.opts.Log.Error("certificate request failed, retrying", "host", host, "err", err)
	}
	return nil
}

// TLS is the server's configuration. It has no certificate before Run has obtained
// one; those of former runs are there at once.
func (a *ACME) TLS() *tls.Config {
	c := a.config.TLSConfig()
	c.NextProtos = append([]string{"http/1.1"}, c.NextProtos...)
	return c
}

// Run obtains certificates and renews them until ctx ends.
func (a *ACME) Run(ctx context.Context) error {
	defer a.cache.Stop()
	if err := a.config.ManageAsync(ctx, a.opts.Hosts); err != nil {
		return fmt.Errorf("manage certificates by ACME: %w", err)
	}
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		a.exportEnd()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// exportEnd sets the metric to the end of the certificate that ends first; 0 where a host
// has none.
func (a *ACME) exportEnd() {
	var first time.Time
	for _, host := range a.opts.Hosts {
		all := a.cache.AllMatchingCertificates(host)
		if len(all) == 0 {
			a.ends.Set(0)
			return
		}
		if end := all[0].Leaf.NotAfter; first.IsZero() || end.Before(first) {
			first = end
		}
	}
	a.ends.Set(float64(first.Unix()))
}
