// Package edge stands between the internet and the intake: it limits who may
// connect and how often, finds out who is behind a proxy, and has the certificates.
//
// The operator sends each notification once. So no limit may turn an honest
// sender away during a flood: limits bind only connections that have not
// yet authenticated themselves by a secret path, and when all connections are taken, the
// oldest idle unauthenticated one is closed. The intake says which have authenticated
// themselves (MarkAuthenticated); the source of one that has is trusted for a day, so that
// its next connections are not limited.
//
// Rejected: a limit per source for everybody, since the operator's servers behind
// one address after an outage look like a flood; a limit of all connections
// that refuses the newest, since ten thousand slow ones would then keep the
// operator out; HTTP/2, where one connection is a hundred slow requests.
//
// golang.org/x/time/rate limits unauthenticated requests; certmagic gets
// certificates by ACME, which is not worth writing again.
package edge

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/run"
)

// Options of an Edge. All have defaults.
type Options struct {
	// Proxies are the networks whose X-Forwarded-For is believed; empty: nobody's.
	// Their connections are not limited by source, and neither are those from
	// loopback addresses (see Source).
	Proxies Networks
	// OnlyProxies closes connections from everywhere else.
	OnlyProxies bool
	// Senders are the networks that may post notifications; empty: all.
	Senders Networks

	MaxConnections int // open at once; 0: 2048
	MaxPerSource   int // unauthenticated ones of one address, or of one /64; 0: 256
	ProbeRate      int // requests per second and source to unknown paths whose body is examined; 0: 10

	Now        func() time.Time      // nil: time.Now
	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: not registered
}

func (o *Options) validate() error {
	if o.MaxConnections < 0 || o.MaxPerSource < 0 || o.ProbeRate < 0 {
		return errors.New("edge: negative limits")
	}
	if o.OnlyProxies && len(o.Proxies) == 0 {
		return errors.New("edge: only proxies may connect, and none is given")
	}
	for _, d := range []struct {
		field *int
		value int
	}{{&o.MaxConnections, 2048}, {&o.MaxPerSource, 256}, {&o.ProbeRate, 10}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Log = run.Log(o.Log)
	return nil
}

// Edge limits the connections of one public listener.
type Edge struct {
	opts    Options
	metrics *metrics

	mu              sync.Mutex // guards what follows
	open            int
	unauthenticated list.List // of *conn, the oldest in front
	sources         map[netip.Addr]*source
	overflowSource  *source // shared by all whose address is not known, or not tracked
	swept           time.Time
	probes          []*probe // the oldest in front
}

// New makes an Edge.
func New(opts Options) (*Edge, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	e := &Edge{opts: opts, metrics: newMetrics(opts.Registerer), sources: map[netip.Addr]*source{}}
	e.overflowSource = e.newSource()
	return e, nil
}

// Configure sets up a server so that the Edge recognizes its connections.
func (e *Edge) Configure(s *http.Server) {
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if own := unwrap(c); own != nil {
			return context.WithValue(ctx, connKey{}, own)
		}
		return ctx
	}
	one := new(http.Protocols)
	one.SetHTTP1(true)
	s.Protocols = one
}

type connKey struct{}

// MarkAuthenticated notes that a request came to a secret path. The limits of
// unauthenticated connections no longer apply to its connection, and its source is trusted
// for a while.
func (e *Edge) MarkAuthenticated(r *http.Request) {
	c, _ := r.Context().Value(connKey{}).(*conn)
	if c == nil || c.authenticated.Swap(true) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.place != nil {
		e.unauthenticated.Remove(c.place)
		c.place = nil
		c.source.unauthenticated--
	}
	if c.source != e.overflowSource { // which stands for many
		c.source.trustedUntil = e.opts.Now().Add(trustFor)
	}
}

// AllowPost says whether a notification from the request's source may be kept. Where
// Senders are given, one from an unknown source may not.
func (e *Edge) AllowPost(r *http.Request) bool {
	return len(e.opts.Senders) == 0 || e.opts.Senders.Contains(e.Source(r))
}

// AllowProbe says whether the body of a request to an unknown path may be examined: not
// in excess of the rate of its source. Where the source is not known there is no rate: the
// operator would share it with everybody behind the same proxy.
func (e *Edge) AllowProbe(r *http.Request) bool {
	addr := e.Source(r)
	if !addr.IsValid() {
		return true
	}
	now := e.opts.Now()
	e.mu.Lock()
	s := e.of(addr, now)
	e.mu.Unlock()
	if s.probes.AllowN(now, 1) {
		return true
	}
	e.metrics.ignored.Inc()
	return false
}
