package edge

import (
	"fmt"
	"net/netip"
	"strings"
)

// Networks are ranges of addresses.
type Networks []netip.Prefix

// ParseNetworks reads networks in CIDR notation and single addresses. A zone is
// left out, since Contains knows none.
func ParseNetworks(texts ...string) (Networks, error) {
	var out Networks
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		p, ok := parseNetwork(text)
		if !ok {
			return nil, fmt.Errorf("%q is neither a network such as 192.0.2.0/24 nor an address", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// parseNetwork reads one. IPv4 written as IPv6 becomes IPv4, as the addresses are
// that it is compared with.
func parseNetwork(text string) (netip.Prefix, bool) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), err == nil
	}
	p, err := netip.ParsePrefix(text)
	if a := p.Addr(); a.Is4In6() {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p, err == nil && p.IsValid()
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
