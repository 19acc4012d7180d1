package edge

import (
	"container/list"
	"crypto/tls"
	"net"
	"sync/atomic"
)

// conn is a connection that is counted.
type conn struct {
	net.Conn
	edge   *Edge
	source *source
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
		if own := l.edge.admit(c); own != nil {
			return own, nil
		}
		_ = c.Close()
	}
}

// admit gives the connection a place, if need be that of the stranger who came
// first. It returns nil where there is none.
func (e *Edge) admit(c net.Conn) *conn {
	addr := address(c.RemoteAddr().String())
	proxy := e.opts.Proxies.Contains(addr)
	if e.opts.OnlyProxies && !proxy {
		e.metrics.refused[notAProxy].Inc()
		return nil
	}
	now := e.opts.Now()
	e.mu.Lock()
	s := e.of(addr, now)
	if !proxy && s.strangers >= e.opts.MaxPerSource && s.credit.Before(now) {
		e.mu.Unlock()
		e.metrics.refused[tooMany].Inc()
		return nil
	}
	var victim *conn
	if e.open >= e.opts.MaxConnections {
		first := e.strangers.Front()
		if first == nil {
			e.mu.Unlock()
			e.metrics.refused[full].Inc()
			return nil
		}
		victim = first.Value.(*conn)
		e.leave(victim)
	}
	own := &conn{Conn: c, edge: e, source: s}
	own.place = e.strangers.PushBack(own)
	s.strangers++
	e.open++
	e.metrics.open.Set(float64(e.open))
	e.mu.Unlock()
	if victim != nil {
		e.metrics.refused[displaced].Inc()
		_ = victim.Conn.Close()
	}
	return own
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
