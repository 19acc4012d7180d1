package archive

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// dial connects to a literal address of the list as it stands, and to a name
// only where it leads to a public address. The check sits in Control, after
// the resolver, because a name may resolve differently a moment later.
func (f *Fetcher) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: f.o.ConnectTimeout, KeepAlive: 15 * time.Second}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		for _, allowed := range f.o.Hosts.literals {
			if allowed.String() == addr {
				return d.DialContext(ctx, network, addr)
			}
		}
		return nil, refused("the address %s is not in the list of allowed record hosts", addr)
	}
	d.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
		if ap, err := netip.ParseAddrPort(resolved); err != nil || !public(ap.Addr()) {
			return refused("the name %s leads to an address that is not on the public internet", host)
		}
		return nil
	}
	return d.DialContext(ctx, network, addr)
}

// connectFailure turns an error before the answer into a Failure, without the
// link that net/http puts into its errors.
func connectFailure(host string, err, cause error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return failure(Unreachable, "the name of the operator's server %s is not known", host)
		}
		return failure(Unreachable, "the name of the operator's server %s could not be looked up", host)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok || isCertificate(err) {
		return failure(Unreachable, "the certificate of the operator's server %s is not valid for it", host)
	}
	var timeout net.Error
	switch {
	case errors.Is(cause, errTooSlow), errors.As(err, &timeout) && timeout.Timeout():
		return failure(Timeout, "the operator's server %s did not answer in time", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure(Unreachable, "the operator's server %s refused the connection", host)
	}
	return failure(Unreachable, "no connection to the operator's server %s", host)
}

func isCertificate(err error) bool {
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	return authority || name
}

func answerFailure(host string, status int) *Failure {
	answered := fmt.Sprintf("the operator's server %s answered %d %s", host, status, http.StatusText(status))
	switch status {
	case http.StatusNotFound:
		return failure(Missing, "%s; it may still be preparing the file", answered)
	case http.StatusTooEarly:
		return failure(TooEarly, "%s: it is still preparing the file", answered)
	case http.StatusGone:
		return failure(Gone, "%s: it no longer has the file", answered)
	case http.StatusUnauthorized:
		f := failure(Unauthorised, "%s: it wants a login that we do not have or that has run out", answered)
		f.Host = host
		return f
	}
	return failure(BadAnswer, "%s instead of the file", answered)
}
