package blob

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &conn{c}, nil
}

// conn sends bodies from shared buffers. A TCP connection by itself takes 32 KiB
// of fresh memory for each body, which was an eighth of what an archiving process
// went through, and twice the system calls.
type conn struct{ net.Conn }

const sendSize = 64 << 10

var sendBuffers = sync.Pool{New: func() any { return new([sendSize]byte) }}

// ReadFrom is what net/http sends a body by.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	buf := sendBuffers.Get().(*[sendSize]byte)
	defer sendBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, r, buf[:])
}
