package fetch

import "net/netip"

// denied are the networks that no public server lives in, or that carry another
// address inside: IANA's special-purpose registries of IPv4 and IPv6 (as of 2026-07), and
// multicast, class E and the relays of 6to4. Of IPv6 those within internet6 alone.
var denied = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
	"192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32",
	"2002::/16", // 6to4
	"2620:4f:8000::/48", "3fff::/20",
)

var (
	// internet6 is all that IANA gives out of IPv6 for the internet. What lies outside
	// is refused without a list: loopback, private and link-local networks, multicast,
	// and every spelling of an IPv4 address in an IPv6 one – compatible (::/96),
	// translated (::ffff:0:0:0/96) and by a NAT64 of local use (64:ff9b:1::/48).
	internet6 = netip.MustParsePrefix("2000::/3")
	// nat64 carries an IPv4 address in its last four bytes; a network without IPv4 of
	// its own reaches every public server through it.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(all ...string) (out []netip.Prefix) {
	for _, s := range all {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// public reports whether an address may belong to a server on the internet. An
// IPv4-mapped address (::ffff:0:0/96) is the IPv4 address that it names.
func public(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		return public(netip.AddrFrom4([4]byte(b[12:])))
	}
	if !a.Is4() && !internet6.Contains(a) {
		return false
	}
	for _, p := range denied {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
