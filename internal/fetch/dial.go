package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"fonoteka/internal/call"
)

// dial connects to a literal address of the list as it stands, and to a name
// only where it leads to a public address. The check sits in Control, after
// the resolver, because a name may resolve differently a moment later.
func (f *Fetcher) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: f.opts.ConnectTimeout, KeepAlive: 15 * time.Second}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		for _, allowed := range f.opts.Hosts.literals {
			if allowed.String() == addr {
				return d.DialContext(ctx, network, addr)
			}
		}
		return nil, failure(call.Failure{Code: call.CodeRefusedAddress, Host: addr})
	}
	d.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
		if ap, err := netip.ParseAddrPort(resolved); err != nil || !public(ap.Addr()) {
			return failure(call.Failure{Code: call.CodePrivateAddress, Host: host})
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
	return failure(call.Failure{Code: connectCode(err, cause), Host: host})
}

func connectCode(err, cause error) call.Code {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return call.CodeUnknownName
		}
		return call.CodeLookupFailed
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok || isCertificate(err) {
		return call.CodeBadCertificate
	}
	var timeout net.Error
	switch {
	case errors.Is(cause, errTooSlow), errors.As(err, &timeout) && timeout.Timeout():
		return call.CodeNoAnswer
	case errors.Is(err, syscall.ECONNREFUSED):
		return call.CodeConnection
	}
	return call.CodeNoConnection
}

func isCertificate(err error) bool {
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	return authority || name
}

// answerFailure is an answer other than 200.
func answerFailure(host string, status int) *Failure {
	f := call.Failure{Code: call.CodeUnexpectedAnswer, Host: host, HTTPStatus: status}
	switch {
	case status == http.StatusNotFound:
		f.Code = call.CodeNotFound
	case status == http.StatusTooEarly:
		f.Code = call.CodeTooEarly
	case status == http.StatusGone:
		f.Code = call.CodeGone
	case status == http.StatusUnauthorized:
		f.Code = call.CodeLoginRequired
	case status >= http.StatusInternalServerError:
		f.Code = call.CodeServerError
	}
	return failure(f)
}
