package daemon

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"

	"fonoteka/internal/edge"
)

// from is a connection between two addresses.
type from struct {
	net.Conn
	remote, local string
	closed        *bool
}

func (c from) RemoteAddr() net.Addr { return tcp(c.remote) }
func (c from) LocalAddr() net.Addr  { return tcp(c.local) }
func (c from) Close() error         { *c.closed = true; return nil }

func tcp(address string) net.Addr {
	a, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		panic(err)
	}
	return a
}

// queued hands out connections, then ends.
type queued struct {
	net.Listener
	conns []net.Conn
}

func (q *queued) Accept() (net.Conn, error) {
	if len(q.conns) == 0 {
		return nil, errors.New("no more")
	}
	c := q.conns[0]
	q.conns = q.conns[1:]
	return c, nil
}

func TestThePrivateListenerIsForThisMachineAndNamedProxies(t *testing.T) {
	t.Parallel()
	networks, err := edge.ParseNetworks("10.0.0.0/24", "2001:db8::/64")
	if err != nil {
		t.Fatal(err)
	}
	for remote, allowed := range map[string]bool{
		"127.0.0.1:5": true, "[::1]:5": true, "[::ffff:127.0.0.1]:5": true, "192.0.2.7:5": true, // 192.0.2.7 is this machine's own
		"10.0.0.9:5": true, "[::ffff:10.0.0.9]:5": true, "[2001:db8::9]:5": true,
		"10.0.1.9:5": false, "192.0.2.8:5": false, "[2001:db8:1::9]:5": false,
	} {
		closed := false
		var log strings.Builder
		l := &onlyFrom{Listener: &queued{conns: []net.Conn{from{remote: remote, local: "192.0.2.7:8090", closed: &closed}}}, networks: networks, log: slog.New(slog.NewTextHandler(&log, nil))}
		conn, err := l.Accept()
		if (err == nil) != allowed || closed == allowed || (conn != nil) != allowed || strings.Contains(log.String(), "--trusted-proxies") == allowed {
			t.Errorf("%s: %v, closed %v, %s", remote, err, closed, log.String())
		}
	}
}
