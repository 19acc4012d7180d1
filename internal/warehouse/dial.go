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
	c := &ctxConn{TCPConn: conn.(*net.TCPConn)}
	c.disarm = context.AfterFunc(ctx, func() { conn.Close() })
	if o.TLS == nil {
		return c, nil
	}
	cfg := o.TLS.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(addr)
	}
	secure := tls.Client(c, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// ctxConn is a connection that is closed with the context it was made under, until
// the first byte of the server arrives: from then on the driver minds contexts itself,
// and the connection outlives its first user. It is a TCPConn, since the driver
// looks at the socket before it takes a connection from its pool.
type ctxConn struct {
	*net.TCPConn
	disarm func() bool
	once   sync.Once
}

func (c *ctxConn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	if n > 0 {
		c.once.Do(func() { c.disarm() })
	}
	return n, err
}
