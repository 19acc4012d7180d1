package daemon

import (
	"log/slog"
	"net"
	"net/netip"
	"time"

	"fonoteka/internal/edge"
)

// onlyFrom is the private listener for this machine and for the networks of the proxies
// that are named: it has no TLS of its own.
type onlyFrom struct {
	net.Listener
	networks edge.Networks
	log      *slog.Logger
	said     time.Time // when the log was last told of a connection that was closed
}

// Accept closes connections from elsewhere. The log hears of one a minute.
func (l *onlyFrom) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || l.allows(conn) {
			return conn, err
		}
		if time.Since(l.said) > time.Minute {
			l.said = time.Now()
			l.log.Warn("a connection to the private listener was closed, as its network is not among --trusted-proxies", "from", conn.RemoteAddr())
		}
		conn.Close()
	}
}

func (l *onlyFrom) allows(conn net.Conn) bool {
	from, own := addrOf(conn.RemoteAddr()), addrOf(conn.LocalAddr())
	return from.IsLoopback() || from.IsValid() && from == own || l.networks.Contains(from)
}

// addrOf is the address of a connection's end; not valid where it has none.
func addrOf(a net.Addr) netip.Addr {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}
