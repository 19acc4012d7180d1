package warehouse

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// dial connects for clickhouse-go, which bounds its handshake by the dial
// timeout alone: here a server that accepts and says nothing costs no more
// than the caller's context allows.
func (o Options) dial(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	g := &greeted{TCPConn: conn.(*net.TCPConn)}
	g.disarm = context.AfterFunc(ctx, func() { conn.Close() })
	if o.TLS == nil {
		return g, nil
	}
	cfg := o.TLS.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(addr)
	}
	secure := tls.Client(g, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// greeted is a connection that ends with the context it was made under, until
// the server has said something: from then on the driver minds contexts itself,
// and the connection outlives its first user. It is a TCPConn, since the driver
// looks at the socket before it takes a connection from its pool.
type greeted struct {
	*net.TCPConn
	disarm func() bool
	once   sync.Once
}

func (g *greeted) Read(p []byte) (int, error) {
	n, err := g.TCPConn.Read(p)
	if n > 0 {
		g.once.Do(func() { g.disarm() })
	}
	return n, err
}
