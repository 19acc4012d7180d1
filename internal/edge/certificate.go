package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"fonoteka/internal/run"
)

// FilesOptions of a Files. Certificate and Key are required.
type FilesOptions struct {
	Certificate string // file with the chain in PEM, the server's own first
	Key         string // file with its private key in PEM

	Every      time.Duration         // between two reads of the files; 0: 10 s
	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: not registered
}

// Files is a certificate in files, loaded again when they change.
//
// Their contents are compared, instead of using notifications of the file system:
// certbot changes links, Kubernetes folders, and others copy.
type Files struct {
	opts    FilesOptions
	current atomic.Pointer[tls.Certificate]
	read    [2][]byte
	ends    prometheus.Gauge
	failed  prometheus.Counter
}

// NewFiles reads the certificate, and fails if it cannot be used now.
func NewFiles(o FilesOptions) (*Files, error) {
	if o.Certificate == "" || o.Key == "" {
		return nil, errors.New("edge: a certificate needs two files: the chain and its key")
	}
	if o.Every <= 0 {
		o.Every = 10 * time.Second
	}
	o.Log = run.Log(o.Log)
	auto := promauto.With(o.Registerer)
	f := &Files{
		opts: o, ends: newEnds(auto),
		failed: auto.NewCounter(prometheus.CounterOpts{
			Name: "fonoteka_edge_certificate_failures_total", Help: "Times a changed certificate could not be taken; the former one is served.",
		}),
	}
	_, err := f.load()
	return f, err
}

func newEnds(f promauto.Factory) prometheus.Gauge {
	return f.NewGauge(prometheus.GaugeOpts{
		Name: "fonoteka_edge_certificate_not_after_timestamp_seconds", Help: "When the certificate that is served ends; 0: there is none yet.",
	})
}

// TLS is the server's configuration.
func (f *Files) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current.Load(), nil },
	}
}

// load loads the files if they have changed. Where they cannot be used, the former
// certificate stays.
func (f *Files) load() (changed bool, err error) {
	var now [2][]byte
	for i, name := range []string{f.opts.Certificate, f.opts.Key} {
		if now[i], err = os.ReadFile(name); err != nil {
			return false, fmt.Errorf("read the certificate: %w", err)
		}
	}
	if bytes.Equal(now[0], f.read[0]) && bytes.Equal(now[1], f.read[1]) {
		return false, nil
	}
	pair, err := tls.X509KeyPair(now[0], now[1])
	if err != nil {
		return false, fmt.Errorf("certificate %s with key %s: %w", f.opts.Certificate, f.opts.Key, err)
	}
	if time.Now().After(pair.Leaf.NotAfter) && f.current.Load() != nil {
		return false, fmt.Errorf("certificate %s has ended on %s", f.opts.Certificate, pair.Leaf.NotAfter.Format(time.DateOnly))
	}
	f.read = now
	f.current.Store(&pair)
	f.ends.Set(float64(pair.Leaf.NotAfter.Unix()))
	return true, nil
}

// Run checks the files until ctx ends.
func (f *Files) Run(ctx context.Context) error {
	tick := time.NewTicker(f.opts.Every)
	defer tick.Stop()
	logged := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		changed, err := f.load()
		switch {
		case err != nil:
			f.failed.Inc()
			if logged != err.Error() { // once, not every ten seconds
				logged = err.Error()
				f.opts.Log.Error("certificate cannot be loaded, the former one is served", "err", err)
			}
		case changed:
			logged = ""
			f.opts.Log.Info("certificate loaded", "not_after", f.current.Load().Leaf.NotAfter)
		}
	}
}
