// Package fetch downloads recordings from servers that are not trusted, by links that
// came from outside.
//
// When Fetch returns a Body, it is every byte that the server sent of the file, with its
// digest, and the length is what the server said, if it said one. A *Failure says what is
// wrong with the link, the server or the file, and of which Kind that is; it holds no
// link and no secret. Any other error is our own. What a failure means for a recording,
// and whether what came is audio, package archive decides.
//
// Only servers of a list are asked (Hosts), and a name only where it leads to a public
// address: both are checked again at every redirect and at the moment of the connection.
// An answer is taken for what it holds: gzip that nobody asked for is decoded, and a
// proxy that says that it has changed the file is noted.
//
// What bounds a download here: requests at once and a second to one server (limits.go),
// bytes a second of all together (bandwidth.go), memory (body.go), the size of a file,
// and the time to connect, to answer, between two reads and of the whole (Options). The
// bounds before and behind it are listed in package archive.
//
// Rejected: code.dny.dev/ssrf for the check of addresses (v0.3.0, maintained, generated
// from IANA's lists). It would save the list of networks, some twenty lines, and not the
// check around it: of NAT64 it allows either no address or all of them, those that hold a
// private one included, it has no IPv4-mapped ones, and its errors do not name the server
// for users. Its rule that of IPv6 only 2000::/3 is the internet is taken over. Resolving
// a name first and connecting to what it led to was rejected as well: net.Dialer tries all
// addresses of a name, and its ControlContext sees each at the moment that counts.
package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/semaphore"

	"fonoteka/internal/call"
)

// Options of a Fetcher. Hosts and TempDir are required.
type Options struct {
	Hosts   Hosts
	TempDir string // for bodies that do not fit into memory; ours alone

	MaxSize int64 // of a recording, bytes; default 1 GiB
	// Memory for all bodies held at once; default 32 MiB. A body takes at most
	// 4 MiB of it, and what finds none left goes to a file at once.
	Memory int64

	ConnectTimeout time.Duration // default 10 s
	HeaderTimeout  time.Duration // from request to answer; default 30 s
	IdleTimeout    time.Duration // between two reads of a body; default 30 s
	TotalTimeout   time.Duration // of a whole download, waiting for our own limits apart; default 1 h
	// Resumes is how often one download goes on after a break; default 5. Each
	// must bring at least a byte.
	Resumes int

	// PerHostDownloads bounds what one server is asked for at once, PerHostRate
	// the requests to it in a second. 0: no limit beyond the number of workers.
	PerHostDownloads int
	PerHostRate      float64
	Bandwidth        Bandwidth // of all downloads together; zero: no limit

	// Token returns the bearer token of an integration for a server of
	// TokenHosts that has answered 401. It goes to that server only, in that
	// download only; a redirect to another one leaves it behind. nil: none.
	Token      func(ctx context.Context, integration, host string) (bearer string, err error)
	TokenHosts Hosts // who may see the token; zero: nobody
}

func (o *Options) validate() error {
	if o.Hosts.Empty() || o.TempDir == "" {
		return errors.New("fetch: allowed hosts and a folder for temporary files are required")
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
	if o.Resumes == 0 {
		o.Resumes = 5
	}
	if o.Resumes < 0 || o.PerHostDownloads < 0 || o.PerHostRate < 0 {
		return errors.New("fetch: resumes and limits per host cannot be negative")
	}
	return nil
}

// Fetcher downloads recordings from allowed servers, and from no others:
// whatever a name resolves to and wherever a redirect leads is checked again
// at the moment of the connection. It sends no cookies, no Referer, no
// credentials but the token, and uses no proxy from the environment, which
// would resolve names out of our sight.
//
// Its memory is bounded by Options.Memory plus maxKept, kept for bodies to
// come, and 64 KiB per download. Who waits for a limit per host holds none of it.
type Fetcher struct {
	opts     Options
	client   *http.Client
	memory   *semaphore.Weighted
	buffers  bodyBuffers
	hosts    *hostLimits
	throttle *throttle // nil: no limit
}

// New makes a Fetcher and removes what an earlier one left in TempDir.
func New(o Options) (*Fetcher, error) {
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
	f := &Fetcher{
		opts: o, memory: semaphore.NewWeighted(o.Memory),
		hosts:    newHostLimits(o.PerHostDownloads, o.PerHostRate),
		throttle: newThrottle(o.Bandwidth, time.Now),
	}
	f.client = &http.Client{
		// Redirects are followed by hand: each is checked, and has its own limits.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
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

// Fetch downloads a link of an integration whole. The caller closes the Body.
// A *Failure says what is wrong with the link, the server or the file; any
// other error is our own: ctx ended, or the disk is full.
//
// A transfer that breaks off or stalls is taken up where it ended, as long as
// the server proves that the file is still the same one (a strong ETag, or a
// Last-Modified, in If-Range); otherwise it begins anew.
func (f *Fetcher) Fetch(ctx context.Context, integration, link string) (*Body, error) {
	u, err := call.ParseLink(link)
	if err != nil || u.Host == "" {
		return nil, unreadableLink()
	}
	to, err := f.opts.Hosts.resolve(u)
	if err != nil {
		return nil, err
	}
	t := newTransfer(ctx, f, integration, to)
	t.scheme = u.Scheme
	defer t.close()
	body, err := t.run()
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("fetching from %s: %w", displayHost(u), context.Cause(ctx))
	}
	return body, err
}

func unreadableLink() *Failure { return failure(call.Failure{Code: call.CodeBadLink}) }
