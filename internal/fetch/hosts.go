package fetch

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"fonoteka/internal/call"
)

// DefaultHosts is where the operator keeps recordings.
const DefaultHosts = "mtt.ru"

// Hosts is the list of servers that recordings may be fetched from. Links come
// from outside, so that without it anyone who can post a notification could
// have this machine ask any server it can reach.
type Hosts struct {
	names    []server         // and every host under them
	literals []netip.AddrPort // exactly these, plain http included
}

// server is a name with a port of it, by https or by plain http.
type server struct {
	name, port string
	plain      bool
}

const (
	portHTTPS = "443"
	portHTTP  = "80"
)

// ParseHosts reads the entries of an allow list:
//
//	mtt.ru               the name and every host under it, by https on port 443
//	mtt.ru:8443          the same on that port
//	http://mtt.ru        by plain http on port 80 (or the port named), too
//	127.0.0.1:8081       a literal address with a port, as it stands: plain http and private networks included
//
// No entries: DefaultHosts. All mistakes are reported at once.
func ParseHosts(entries ...string) (Hosts, error) {
	if len(entries) == 0 {
		entries = []string{DefaultHosts}
	}
	var h Hosts
	var errs []error
	for _, entry := range entries {
		rest, plain := strings.CutPrefix(entry, "http://")
		if ap, err := netip.ParseAddrPort(rest); err == nil && ap.Port() != 0 && ap.Addr().Zone() == "" {
			h.literals = append(h.literals, ap)
			continue
		}
		name, port, withPort := strings.Cut(rest, ":")
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		n, err := strconv.ParseUint(port, 10, 16)
		if !isName(name) || withPort && (err != nil || n == 0) {
			errs = append(errs, fmt.Errorf("%q is neither a host name (also with a port, or http:// before it) nor an address with a port", entry))
			continue
		}
		switch {
		case withPort:
			h.names = append(h.names, server{name, strconv.FormatUint(n, 10), plain})
		case plain:
			h.names = append(h.names, server{name, portHTTP, true}, server{name, portHTTPS, false})
		default:
			h.names = append(h.names, server{name, portHTTPS, false})
		}
	}
	return h, errors.Join(errs...)
}

// Empty reports whether the list allows no server.
func (h Hosts) Empty() bool { return len(h.names)+len(h.literals) == 0 }

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
	u, err := call.ParseLink(link)
	if err != nil || u.Host == "" {
		return unreadableLink()
	}
	_, err = h.resolve(u)
	return err
}

// resolve returns the address to ask for a link: the link's own, or, of a plain http
// one that is not allowed as it stands, the same by https. A link that names no scheme
// is an https one.
func (h Hosts) resolve(u *url.URL) (*url.URL, error) {
	as := *u
	if as.Scheme == "" {
		as.Scheme = "https"
	}
	err := h.check(&as)
	if _, isLiteral := literal(&as); err == nil || as.Scheme != "http" || isLiteral {
		return &as, err
	}
	secure := as
	secure.Scheme = "https"
	if as.Port() == portHTTP {
		secure.Host = as.Hostname()
	}
	if h.check(&secure) == nil {
		return &secure, nil
	}
	return nil, err
}

// check reports why an address may not be asked exactly as it stands.
func (h Hosts) check(u *url.URL) error {
	if u.User != nil {
		return failure(call.Failure{Code: call.CodeLinkWithUser, Host: displayHost(u)})
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return failure(call.Failure{Code: call.CodeNotHTTPS, Host: displayHost(u)})
	}
	if ap, literal := literal(u); literal {
		if slices.Contains(h.literals, ap) {
			return nil
		}
		return failure(call.Failure{Code: call.CodeRefusedAddress, Host: displayHost(u)})
	}
	host, port := strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), portOf(u)
	known := false
	for _, s := range h.names {
		if !isName(host) || host != s.name && !strings.HasSuffix(host, "."+s.name) {
			continue
		}
		if known = true; s.port == port && s.plain == (u.Scheme == "http") {
			return nil
		}
	}
	if known {
		with := *u
		with.Host = host + ":" + port
		return failure(call.Failure{Code: call.CodeRefusedPort, Host: displayHost(&with)})
	}
	return failure(call.Failure{Code: call.CodeRefusedHost, Host: displayHost(u)})
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": portHTTP, "https": portHTTPS}[u.Scheme]
}

// literal reads the address of a link that names one, with its port.
func literal(u *url.URL) (netip.AddrPort, bool) {
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return netip.AddrPort{}, false
	}
	port := portOf(u)
	ap, err := netip.ParseAddrPort("[" + addr.String() + "]:" + port)
	if addr.Is4() {
		ap, err = netip.ParseAddrPort(addr.String() + ":" + port)
	}
	if err != nil {
		return netip.AddrPort{}, true // an address, but none that a list could hold
	}
	return ap, true
}

// displayHost is a link's host as it may appear in a reason: bounded and printable.
func displayHost(u *url.URL) string {
	s := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '?'
		}
		return r
	}, u.Host)
	return s[:min(len(s), 255)]
}
