package edge

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Networks are ranges of addresses.
type Networks []netip.Prefix

// ParseNetworks reads networks in CIDR notation and single addresses.
func ParseNetworks(texts ...string) (Networks, error) {
	var out Networks
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, single := netip.ParseAddr(text)
			if single != nil {
				return nil, fmt.Errorf("%q is neither a network such as 192.0.2.0/24 nor an address", text)
			}
			p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// Contains says whether one of the networks holds the address.
func (n Networks) Contains(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range n {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Source is where a request comes from: the connection's other end, or, where
// that is a trusted proxy, the last address of X-Forwarded-For that is not one.
// It is invalid if it cannot be known.
func (e *Edge) Source(r *http.Request) netip.Addr {
	at := address(r.RemoteAddr)
	if !e.opts.Proxies.Contains(at) {
		return at
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		text := strings.TrimSpace(hops[i])
		if text == "" {
			continue
		}
		hop := address(text)
		if !hop.IsValid() {
			return netip.Addr{} // what stands further left is not to be trusted
		}
		if at = hop; !e.opts.Proxies.Contains(hop) {
			break
		}
	}
	return at
}

// address reads an address with or without a port.
func address(text string) netip.Addr {
	if p, err := netip.ParseAddrPort(text); err == nil {
		return p.Addr().Unmap()
	}
	a, _ := netip.ParseAddr(strings.Trim(text, "[]"))
	return a.Unmap()
}
