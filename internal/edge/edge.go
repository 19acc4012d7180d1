// Package edge is what stands between the internet and the intake: who may
// connect and how often, who is behind a proxy, and the certificates.
//
// The operator's notifications come once. So nothing here may turn an honest
// sender away while strangers are at the door: limits bind those who have not
// yet shown that they know a secret path, and when all places are taken, the
// stranger who has stood there longest must go. Who has shown it is told by the
// intake; a source that has keeps its places for a while, for the next
// connections.
//
// Rejected: a limit per source for everybody, since the operator's farm behind
// one address after an outage looks like a flood; a limit of all connections
// that refuses the newest, since ten thousand slow ones would then keep the
// operator out; HTTP/2, where one connection is a hundred slow requests.
//
// golang.org/x/time/rate counts the tries of strangers; certmagic gets
// certificates by ACME, which nobody should write anew.
package edge

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
	MaxPerSource   int // of them by strangers of one address, or of one /64; 0: 256
	StrangerRate   int // requests per second to unknown paths, by source, that are looked at; 0: 10

	Now        func() time.Time      // nil: time.Now
	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: not registered
}

func (o *Options) validate() error {
	if o.MaxConnections < 0 || o.MaxPerSource < 0 || o.StrangerRate < 0 {
		return errors.New("edge: negative limits")
	}
	if o.OnlyProxies && len(o.Proxies) == 0 {
		return errors.New("edge: only proxies may connect, and none is given")
	}
	for _, d := range []struct {
		field *int
		value int
	}{{&o.MaxConnections, 2048}, {&o.MaxPerSource, 256}, {&o.StrangerRate, 10}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Edge keeps the door of one public listener.
type Edge struct {
	opts    Options
	metrics *metrics

	mu        sync.Mutex // guards what follows
	open      int
	strangers list.List // of *conn, the one that came first in front
	sources   map[netip.Addr]*source
	crowd     *source // stands for those that cannot be told apart
	swept     time.Time
	probes    []*probe // the first in front
}

// New makes an Edge.
func New(opts Options) (*Edge, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	e := &Edge{opts: opts, metrics: newMetrics(), sources: map[netip.Addr]*source{}}
	e.crowd = e.newSource()
	if err := e.metrics.register(opts.Registerer); err != nil {
		return nil, fmt.Errorf("register edge metrics: %w", err)
	}
	return e, nil
}

// Guard sets the parts of a server that let an Edge know its connections.
func (e *Edge) Guard(s *http.Server) {
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

// Knows notes that the sender of a request knows a secret path. Its connection
// is a stranger's no more, and its source has credit.
func (e *Edge) Knows(r *http.Request) {
	c, _ := r.Context().Value(connKey{}).(*conn)
	if c == nil || c.known.Swap(true) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.place != nil {
		e.strangers.Remove(c.place)
		c.place = nil
		c.source.strangers--
	}
	if c.source != e.crowd { // from there come all
		c.source.credit = e.opts.Now().Add(creditFor)
	}
}

// MayPost says whether a notification from there may be kept. Where Senders are
// given, one from a source that is not known may not.
func (e *Edge) MayPost(r *http.Request) bool {
	return len(e.opts.Senders) == 0 || e.opts.Senders.Contains(e.Source(r))
}

// MayAsk says whether a stranger's request is worth a look: one in excess of the
// rate of its source is not. Where the source is not known there is no rate: the
// operator would share it with all who come through the same proxy.
func (e *Edge) MayAsk(r *http.Request) bool {
	addr := e.Source(r)
	if !addr.IsValid() {
		return true
	}
	now := e.opts.Now()
	e.mu.Lock()
	s := e.of(addr, now)
	e.mu.Unlock()
	if s.tries.AllowN(now, 1) {
		return true
	}
	e.metrics.ignored.Inc()
	return false
}
