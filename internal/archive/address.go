package archive

import "net/netip"

// reserved are the networks that no public server lives in, or that carry
// another address inside, beyond what netip knows by itself. From the IANA
// special-purpose address registries.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"::/96",          // IPv4-compatible
	"64:ff9b:1::/48", // NAT64, local use
	"100::/64", "2001::/23", "2001:db8::/32",
	"2002::/16", // 6to4
	"3fff::/20", "5f00::/16", "fec0::/10",
)

// nat64 carries an IPv4 address in its last four bytes; a network without IPv4
// of its own reaches every public server through it.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func prefixes(all ...string) (out []netip.Prefix) {
	for _, s := range all {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// public reports whether an address may belong to a server on the internet.
func public(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		return public(netip.AddrFrom4([4]byte(b[12:])))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
