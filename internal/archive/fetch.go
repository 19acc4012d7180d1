package archive

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/semaphore"
)

// FetchOptions of a Fetcher. Hosts and TempDir are required.
type FetchOptions struct {
	Hosts   Hosts
	TempDir string // for bodies that do not fit into memory; ours alone

	MaxSize int64 // of a recording, bytes; default 1 GiB
	// Memory for all bodies held at once; default 32 MiB. A body takes at most
	// 4 MiB of it, and what finds none left goes to a file at once.
	Memory int64

	ConnectTimeout time.Duration // default 10 s
	HeaderTimeout  time.Duration // from request to answer; default 30 s
	IdleTimeout    time.Duration // between two reads of a body; default 30 s
	TotalTimeout   time.Duration // of a whole download; default 1 h
}

func (o *FetchOptions) validate() error {
	if len(o.Hosts.names)+len(o.Hosts.literals) == 0 || o.TempDir == "" {
		return errors.New("archive: allowed hosts and a folder for temporary files are required")
	}
	for _, d := range []struct {
		v   *int64
		def int64
	}{{&o.MaxSize, 1 << 30}, {&o.Memory, 32 << 20}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&o.ConnectTimeout, 10 * time.Second},
		{&o.HeaderTimeout, 30 * time.Second},
		{&o.IdleTimeout, 30 * time.Second},
		{&o.TotalTimeout, time.Hour},
	} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	return nil
}

// Fetcher downloads recordings from allowed servers, and from no others:
// whatever a name resolves to and wherever a redirect leads is checked again
// at the moment of the connection. It sends no cookies, no credentials, no
// Referer, and uses no proxy from the environment, which would resolve names
// out of our sight.
//
// Its memory is bounded by FetchOptions.Memory plus 64 KiB per download.
type Fetcher struct {
	o      FetchOptions
	client *http.Client
	memory *semaphore.Weighted
}

const maxRedirects = 5

// NewFetcher makes a Fetcher and removes what an earlier one left in TempDir.
func NewFetcher(o FetchOptions) (*Fetcher, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.TempDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for downloads: %w", err)
	}
	left, _ := filepath.Glob(filepath.Join(o.TempDir, tempPattern))
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return nil, fmt.Errorf("removing an unfinished download: %w", err)
		}
	}
	f := &Fetcher{o: o, memory: semaphore.NewWeighted(o.Memory)}
	f.client = &http.Client{
		CheckRedirect: f.redirect,
		Transport: &http.Transport{
			DialContext:            f.dial,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    o.ConnectTimeout,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			ResponseHeaderTimeout:  o.HeaderTimeout,
			MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConns:           128,
			MaxIdleConnsPerHost:    64,
			IdleConnTimeout:        time.Minute,
			DisableCompression:     true,
		},
	}
	return f, nil
}

// Close drops idle connections.
func (f *Fetcher) Close() { f.client.CloseIdleConnections() }

// Fetch downloads a link whole. The caller closes the Body. A *Failure says
// what is wrong with the link, the server or the file; any other error is our
// own: ctx ended, or the disk is full.
func (f *Fetcher) Fetch(ctx context.Context, link string) (*Body, error) {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" {
		return nil, refused("the link cannot be read as an address on the web")
	}
	if err := f.o.Hosts.check(u); err != nil {
		return nil, err
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	total := time.AfterFunc(f.o.TotalTimeout, func() { cancel(errTooSlow) })
	defer total.Stop()
	req, err := http.NewRequestWithContext(inner, http.MethodGet, link, nil)
	if err != nil {
		return nil, refused("the link cannot be read as an address on the web")
	}
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("Accept", "audio/mpeg, */*;q=0.5")
	req.Header.Set("User-Agent", "fonoteka")
	resp, err := f.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("fetching from %s: %w", shown(u), context.Cause(ctx))
		}
		return nil, connectFailure(shown(u), err, context.Cause(inner))
	}
	defer resp.Body.Close()
	host := shown(resp.Request.URL)
	if resp.StatusCode != http.StatusOK {
		return nil, answerFailure(host, resp.StatusCode)
	}
	body, err := f.download(inner, cancel, resp, host)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("fetching from %s: %w", host, context.Cause(ctx))
	}
	return body, err
}

func (f *Fetcher) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return failure(BadAnswer, "the operator's server %s redirects in circles", shown(via[0].URL))
	}
	req.Header.Del("Referer") // the link before may be a signed one
	return f.o.Hosts.check(req.URL)
}

// dial connects to a literal address of the list as it stands, and to a name
// only where it leads to a public address. The check sits in Control, after
// the resolver, because a name may resolve differently a moment later.
func (f *Fetcher) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: f.o.ConnectTimeout, KeepAlive: 15 * time.Second}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		for _, allowed := range f.o.Hosts.literals {
			if allowed.String() == addr {
				return d.DialContext(ctx, network, addr)
			}
		}
		return nil, refused("the address %s is not in the list of allowed record hosts", addr)
	}
	d.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
		if ap, err := netip.ParseAddrPort(resolved); err != nil || !public(ap.Addr()) {
			return refused("the name %s leads to an address that is not on the public internet", host)
		}
		return nil
	}
	return d.DialContext(ctx, network, addr)
}

var errTooSlow = errors.New("the download takes too long")

// connectFailure turns an error before the answer into a Failure, without the
// link that net/http puts into its errors.
func connectFailure(host string, err, cause error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return failure(Unreachable, "the name of the operator's server %s is not known", host)
		}
		return failure(Unreachable, "the name of the operator's server %s could not be looked up", host)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok || isCertificate(err) {
		return failure(Unreachable, "the certificate of the operator's server %s is not valid for it", host)
	}
	var timeout net.Error
	switch {
	case errors.Is(cause, errTooSlow), errors.As(err, &timeout) && timeout.Timeout():
		return failure(Timeout, "the operator's server %s did not answer in time", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure(Unreachable, "the operator's server %s refused the connection", host)
	}
	return failure(Unreachable, "no connection to the operator's server %s", host)
}

func isCertificate(err error) bool {
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	return authority || name
}

func answerFailure(host string, status int) *Failure {
	answered := fmt.Sprintf("the operator's server %s answered %d %s", host, status, http.StatusText(status))
	switch status {
	case http.StatusNotFound:
		return failure(Missing, "%s; it may still be preparing the file", answered)
	case http.StatusTooEarly:
		return failure(TooEarly, "%s: it is still preparing the file", answered)
	case http.StatusGone:
		return failure(Gone, "%s: it no longer has the file", answered)
	case http.StatusUnauthorized:
		f := failure(Unauthorised, "%s: it wants a login that we do not have or that has run out", answered)
		f.Host = host
		return f
	}
	return failure(BadAnswer, "%s instead of the file", answered)
}
