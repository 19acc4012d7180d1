package edge

import (
	"net/http"
	"net/netip"
	"strings"
)

// Source is where a request comes from: the address of the connection's peer or, where
// that is a named proxy, the last address of X-Forwarded-For that is no named proxy. It is
// invalid where that is not known:
//
//   - behind a named proxy that wrote no such address. Entries to the left of one
//     that is no address are not trusted;
//   - at a loopback address that is not named: a proxy on this machine also connects
//     from there, and it is not known whether it wrote the header itself or passed on
//     what a client wrote.
//
// X-Real-IP and Forwarded are not read: a proxy that writes one of these headers
// passes the others on as they came.
func (e *Edge) Source(r *http.Request) netip.Addr {
	at := peer(r.RemoteAddr)
	if e.opts.Proxies.Contains(at) {
		at = e.forwarded(r.Header["X-Forwarded-For"])
	}
	if at.IsLoopback() {
		return netip.Addr{}
	}
	return at
}

// forwarded is the last address in the lines of X-Forwarded-For that is no named
// proxy. Each proxy adds who connected to it at the end, so that a client can
// write only left of what the first proxy adds. A hop may be empty, as in any list
// of HTTP's.
func (e *Edge) forwarded(lines []string) netip.Addr {
	for i := len(lines) - 1; i >= 0; i-- {
		rest := lines[i]
		for more := true; more; {
			hop := rest
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, hop = rest[:comma], rest[comma+1:]
			} else {
				more = false
			}
			if hop = strings.Trim(hop, " \t"); hop == "" {
				continue
			}
			if a := parseHop(hop); !e.opts.Proxies.Contains(a) {
				return a // invalid, where the hop is no address
			}
		}
	}
	return netip.Addr{}
}

// parseHop reads an address as proxies write it: alone, IPv6 also in brackets, and
// with a port. Anything else is invalid.
func parseHop(text string) netip.Addr {
	if a, err := netip.ParseAddr(text); err == nil {
		return plain(a)
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			if a, err := netip.ParseAddr(inner); err == nil && a.Is6() {
				return plain(a)
			}
		}
	}
	return peer(text)
}

// peer reads the address of a connection's other end, host:port.
func peer(text string) netip.Addr {
	p, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.Addr{}
	}
	return plain(p.Addr())
}

// plain is an address without its zone, IPv4 as such: one form for each, so that
// they can be compared.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
