package edge

import (
	"container/list"
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"
)

// conn is a connection that is counted.
type conn struct {
	net.Conn
	edge   *Edge
	source *source
	proxy  bool
	since  time.Time
	place  *list.Element // among the strangers; nil: none
	known  atomic.Bool
	closed atomic.Bool
}

// unwrap finds the counted connection under TLS.
func unwrap(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	own, _ := c.(*conn)
	return own
}

// Listener limits what a listener accepts.
func (e *Edge) Listener(l net.Listener) net.Listener { return &listener{l, e} }

type listener struct {
	net.Listener
	edge *Edge
}

// Accept returns the next connection that may stay.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		own, wait := l.edge.admit(c)
		for wait > 0 {
			time.Sleep(min(wait, 20*time.Millisecond)) // a place may become free before
			own, wait = l.edge.admit(c)
		}
		if own != nil {
			return own, nil
		}
		_ = c.Close()
	}
}

// tenure is how long a stranger may stay in any case: long enough to say what
// the operator has to say, however busy the machine is. Who comes meanwhile waits
// in the system's queue, so that a storm of connections is slowed down by it.
const tenure = 250 * time.Millisecond

// admit gives the connection a place, if need be that of the stranger who came
// first. It returns nil where there is none, and how long until there may be.
func (e *Edge) admit(c net.Conn) (_ *conn, wait time.Duration) {
	addr := address(c.RemoteAddr().String())
	proxy := e.opts.Proxies.Contains(addr)
	if e.opts.OnlyProxies && !proxy {
		e.metrics.refused[notAProxy].Inc()
		return nil, 0
	}
	now := e.opts.Now()
	e.mu.Lock()
	s := e.of(addr, now)
	stranger := s.credit.Before(now)
	if !proxy && stranger && s.strangers >= e.opts.MaxPerSource {
		e.mu.Unlock()
		e.metrics.refused[tooMany].Inc()
		return nil, 0
	}
	var victim *conn
	if e.open >= e.opts.MaxConnections {
		first := e.strangers.Front()
		if first == nil {
			e.mu.Unlock()
			e.metrics.refused[full].Inc()
			return nil, 0
		}
		victim = first.Value.(*conn)
		if wait = tenure - now.Sub(victim.since); wait > 0 && stranger {
			e.mu.Unlock()
			return nil, wait
		}
		e.leave(victim)
	}
	own := &conn{Conn: c, edge: e, source: s, proxy: proxy, since: now}
	if stranger {
		own.place = e.strangers.PushBack(own)
		s.strangers++
	}
	e.open++
	e.metrics.open.Set(float64(e.open))
	e.mu.Unlock()
	if victim != nil {
		e.metrics.refused[displaced].Inc()
		_ = victim.Conn.Close()
	}
	return own, 0
}

// leave frees a connection's place, once. The caller holds the lock.
func (e *Edge) leave(c *conn) {
	if c.closed.Swap(true) {
		return
	}
	if c.place != nil {
		e.strangers.Remove(c.place)
		c.place = nil
		c.source.strangers--
	}
	e.open--
	e.metrics.open.Set(float64(e.open))
}

// Close frees the connection's place.
func (c *conn) Close() error {
	c.edge.mu.Lock()
	c.edge.leave(c)
	c.edge.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets the server say that it has answered before it hangs up.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
