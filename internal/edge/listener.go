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
	place  *list.Element // among the strangers; nil: none
	known  atomic.Bool
	asked  atomic.Int64 // Unix nanoseconds when the server first waited for it to speak; 0: not yet
	silent atomic.Bool  // the server waits for it
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
			time.Sleep(wait)
			own, wait = l.edge.admit(c)
		}
		if own != nil {
			return own, nil
		}
		_ = c.Close()
	}
}

// recheck is how soon a place is looked for again where none could be taken.
const recheck = 10 * time.Millisecond

// tenure is how long a stranger may be silent in any case, counted from when the
// server first listened to it: on a busy machine that is long after it came. Who
// comes meanwhile waits in the system's queue, so that a storm of connections is
// slowed down by it.
const tenure = 500 * time.Millisecond

// Read notes that the server waits for a stranger to speak. One that has spoken
// whole, or that nobody has listened to yet, is not to blame.
func (c *conn) Read(b []byte) (int, error) {
	if c.known.Load() {
		return c.Conn.Read(b)
	}
	if c.asked.Load() == 0 {
		c.asked.Store(c.edge.opts.Now().UnixNano())
	}
	c.silent.Store(true)
	n, err := c.Conn.Read(b)
	c.silent.Store(false)
	return n, err
}

// displaceable is the first stranger that has been silent for its tenure. The
// caller holds the lock.
func (e *Edge) displaceable(now time.Time) *conn {
	before := now.Add(-tenure).UnixNano()
	for place := e.strangers.Front(); place != nil; place = place.Next() {
		c := place.Value.(*conn)
		if asked := c.asked.Load(); asked != 0 && asked <= before && c.silent.Load() {
			return c
		}
	}
	return nil
}

// admit gives the connection a place, if need be that of the stranger who came
// first. It returns nil where there is none, and when to look again, if at all.
func (e *Edge) admit(c net.Conn) (_ *conn, wait time.Duration) {
	addr := peer(c.RemoteAddr().String())
	proxy := e.opts.Proxies.Contains(addr)
	if e.opts.OnlyProxies && !proxy {
		e.metrics.refused[notAProxy].Inc()
		return nil, 0
	}
	now := e.opts.Now()
	e.mu.Lock()
	s := e.crowd // from a proxy come all, and it may be one that is not named
	if addr.IsValid() && !proxy && !addr.IsLoopback() {
		s = e.of(addr, now)
	}
	stranger := s.credit.Before(now)
	if stranger && s != e.crowd && s.strangers >= e.opts.MaxPerSource {
		e.mu.Unlock()
		e.metrics.refused[tooMany].Inc()
		return nil, 0
	}
	var victim *conn
	if e.open >= e.opts.MaxConnections {
		victim = e.displaceable(now)
		switch {
		case victim != nil:
			e.leave(victim)
		case e.strangers.Len() > 0:
			e.mu.Unlock()
			return nil, recheck
		default:
			e.mu.Unlock()
			e.metrics.refused[full].Inc()
			return nil, 0
		}
	}
	own := &conn{Conn: c, edge: e, source: s}
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
