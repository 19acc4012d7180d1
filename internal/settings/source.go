package settings

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// trusted are the networks of --trusted-proxies. Everybody cannot be among them:
// each proxy says where requests come from, and is believed.
func trusted(raw string, p *problems) []netip.Prefix {
	const flag = "trusted-proxies"
	all := networks(flag, raw, p)
	if slices.ContainsFunc(all, func(n netip.Prefix) bool { return n.Bits() == 0 }) {
		p.setting(flag, "everybody would be a proxy, and could say to be anybody; name the networks of your own proxies")
	}
	return all
}

// sourceKnown fails where a rule goes by where requests come from, and this cannot
// be known: on a loopback address, where only a proxy on this machine connects,
// and none is named. Then every notification would be refused or, if the header
// were believed that anybody can write, nobody's.
func (s Public) sourceKnown(host string) error {
	const flag = "--source-networks (FONOTEKA_SOURCE_NETWORKS)"
	needs, verb := flag, "goes"
	switch {
	case len(s.Senders) == 0:
		return nil // --origin-events without it is refused anyway
	case s.OriginEvents != "":
		needs, verb = flag+" and --origin-events (FONOTEKA_ORIGIN_EVENTS)", "go"
	}
	own := unnamed(host, s.Proxies)
	if own == "" {
		return nil
	}
	return fmt.Errorf("%s %s by where a notification comes from, but on %q only a proxy on this machine can connect, and none is named: "+
		"set --trusted-proxies %s (FONOTEKA_TRUSTED_PROXIES), and have that proxy write X-Forwarded-For itself, not pass on what its client wrote "+
		"(deploy/proxy has examples; fonoteka doctor tries it)", needs, verb, host, own)
}

// unnamed is the address from which a proxy on this machine connects to a loopback
// host, if no proxy is named there; "" for other hosts.
func unnamed(host string, proxies []netip.Prefix) string {
	if !Loopback(host) {
		return ""
	}
	a, err := netip.ParseAddr(host)
	for _, own := range []struct{ address, network string }{{"127.0.0.1", "127.0.0.0/8"}, {"::1", "::1/128"}} {
		network := netip.MustParsePrefix(own.network)
		if err == nil && !network.Contains(a.Unmap()) {
			continue // localhost may be either
		}
		if slices.ContainsFunc(proxies, network.Overlaps) {
			return ""
		}
		if err == nil {
			return own.address
		}
	}
	return "127.0.0.1"
}

// SourceKnownAt is sourceKnown for the address that was bound: a name that was
// given may lead anywhere.
func (s Public) SourceKnownAt(bound net.Addr) error {
	host, _, err := net.SplitHostPort(bound.String())
	if err != nil {
		return err
	}
	return s.sourceKnown(host)
}
