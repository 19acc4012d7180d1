package archive

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"fonoteka/internal/call"
)

// DefaultHosts is where the operator keeps recordings.
const DefaultHosts = "mtt.ru"

// Hosts is the list of servers that recordings may be fetched from. Links come
// from outside, so that without it anyone who can post a notification could
// have this machine ask any server it can reach.
type Hosts struct {
	names    []string         // and every host under them, https only
	literals []netip.AddrPort // exactly these, plain http included
}

// ParseHosts reads the entries of an allow list. A name stands for itself and
// every host under it, by https; a literal address with a port,
// "127.0.0.1:8081", is allowed as it stands, plain http and private networks
// included. No entries: DefaultHosts. All mistakes are reported at once.
func ParseHosts(entries ...string) (Hosts, error) {
	if len(entries) == 0 {
		entries = []string{DefaultHosts}
	}
	var h Hosts
	var errs []error
	for _, entry := range entries {
		if ap, err := netip.ParseAddrPort(entry); err == nil && ap.Port() != 0 && ap.Addr().Zone() == "" {
			h.literals = append(h.literals, ap)
			continue
		}
		name := strings.ToLower(strings.TrimSuffix(entry, "."))
		if !isName(name) {
			errs = append(errs, fmt.Errorf("%q is neither a host name nor an address with a port", entry))
			continue
		}
		h.names = append(h.names, name)
	}
	return h, errors.Join(errs...)
}

// isName accepts DNS names. One whose last label is a number is an address in
// a spelling of its own ("2130706433", "127.1").
func isName(s string) bool {
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(s) <= 253 && strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}

// Check reports, as a *Failure of kind Refused, why a link may not be fetched.
func (h Hosts) Check(link string) error {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" {
		return unreadableLink()
	}
	return h.check(u)
}

func (h Hosts) check(u *url.URL) error {
	if u.User != nil {
		return failure(call.Failure{Code: call.CodeLinkWithUser, Host: shown(u)})
	}
	if ap, literal := literal(u); literal {
		if (u.Scheme == "http" || u.Scheme == "https") && slices.Contains(h.literals, ap) {
			return nil
		}
		return failure(call.Failure{Code: call.CodeRefusedAddress, Host: shown(u)})
	}
	if u.Scheme != "https" {
		return failure(call.Failure{Code: call.CodeNotHTTPS, Host: shown(u)})
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	for _, name := range h.names {
		if isName(host) && (host == name || strings.HasSuffix(host, "."+name)) {
			return nil
		}
	}
	return failure(call.Failure{Code: call.CodeRefusedHost, Host: shown(u)})
}

// literal reads the address of a link that names one, with its port.
func literal(u *url.URL) (netip.AddrPort, bool) {
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return netip.AddrPort{}, false
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	ap, err := netip.ParseAddrPort("[" + addr.String() + "]:" + port)
	if addr.Is4() {
		ap, err = netip.ParseAddrPort(addr.String() + ":" + port)
	}
	if err != nil {
		return netip.AddrPort{}, true // an address, but none that a list could hold
	}
	return ap, true
}

// shown is a link's host as it may appear in a reason: bounded and printable.
func shown(u *url.URL) string {
	s := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '?'
		}
		return r
	}, u.Host)
	return s[:min(len(s), 255)]
}
