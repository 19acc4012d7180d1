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
	edge          *Edge
	source        *source
	place         *list.Element // in Edge.unauthenticated; nil: not there
	authenticated atomic.Bool
	firstRead     atomic.Int64 // Unix nanoseconds when the server first waited to read from it; 0: not yet
	idle          atomic.Bool  // the server waits to read from it
	closed        atomic.Bool
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

// Accept returns the next connection within the limits, and closes the others.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		own, wait := l.edge.admit(c)
		for wait > 0 {
			time.Sleep(wait)
			own, wait = l.edge.admit(c)
		}
		if own != nil {
			return own, nil
		}
		_ = c.Close()
	}
}

// recheck is the pause before the next attempt where no connection could be displaced.
const recheck = 10 * time.Millisecond

// minIdle is how long an unauthenticated connection may be idle before it can be
// displaced, counted from the server's first read: on a busy machine that is long after it
// was accepted. New connections wait in the system's backlog meanwhile, which slows a
// flood down.
const minIdle = 500 * time.Millisecond

// Read notes that the server waits for an unauthenticated client to send something. A
// connection from which everything was read, or from which the server has not read yet,
// does not count as idle.
func (c *conn) Read(b []byte) (int, error) {
	if c.authenticated.Load() {
		return c.Conn.Read(b)
	}
	if c.firstRead.Load() == 0 {
		c.firstRead.Store(c.edge.opts.Now().UnixNano())
	}
	c.idle.Store(true)
	n, err := c.Conn.Read(b)
	c.idle.Store(false)
	return n, err
}

// displaceable is the oldest unauthenticated connection that has been idle for minIdle.
// The caller holds the lock.
func (e *Edge) displaceable(now time.Time) *conn {
	before := now.Add(-minIdle).UnixNano()
	for place := e.unauthenticated.Front(); place != nil; place = place.Next() {
		c := place.Value.(*conn)
		if first := c.firstRead.Load(); first != 0 && first <= before && c.idle.Load() {
			return c
		}
	}
	return nil
}

// admit accepts a connection, if need be in place of an idle unauthenticated one. Where
// it cannot, it returns nil, and after which pause to try again; 0: not at all.
func (e *Edge) admit(c net.Conn) (_ *conn, wait time.Duration) {
	addr := peer(c.RemoteAddr().String())
	proxy := e.opts.Proxies.Contains(addr)
	if e.opts.OnlyProxies && !proxy {
		e.metrics.refused[notAProxy].Inc()
		return nil, 0
	}
	now := e.opts.Now()
	e.mu.Lock()
	s := e.overflowSource // a proxy stands for many clients; on a loopback address one may run that is not named
	if addr.IsValid() && !proxy && !addr.IsLoopback() {
		s = e.of(addr, now)
	}
	untrusted := s.trustedUntil.Before(now)
	if untrusted && s != e.overflowSource && s.unauthenticated >= e.opts.MaxPerSource {
		e.mu.Unlock()
		e.metrics.refused[tooMany].Inc()
		return nil, 0
	}
	var victim *conn
	if e.open >= e.opts.MaxConnections {
		victim = e.displaceable(now)
		switch {
		case victim != nil:
			e.release(victim)
		case e.unauthenticated.Len() > 0:
			e.mu.Unlock()
			return nil, recheck
		default:
			e.mu.Unlock()
			e.metrics.refused[full].Inc()
			return nil, 0
		}
	}
	own := &conn{Conn: c, edge: e, source: s}
	if untrusted {
		own.place = e.unauthenticated.PushBack(own)
		s.unauthenticated++
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

// release stops counting a connection, once. The caller holds the lock.
func (e *Edge) release(c *conn) {
	if c.closed.Swap(true) {
		return
	}
	if c.place != nil {
		e.unauthenticated.Remove(c.place)
		c.place = nil
		c.source.unauthenticated--
	}
	e.open--
	e.metrics.open.Set(float64(e.open))
}

// Close closes the connection, which is not counted any more.
func (c *conn) Close() error {
	c.edge.mu.Lock()
	c.edge.release(c)
	c.edge.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets the server end its answer before it closes the connection.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
