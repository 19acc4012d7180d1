package warehouse

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// hinted adds to an error of a connection what is probably wrong in the address.
func (o Options) hinted(err error) error {
	if err == nil {
		return nil
	}
	var authority x509.UnknownAuthorityError
	hint, words := "", err.Error()
	switch {
	case errors.As(err, &authority):
		hint = "the authority of its certificate is not known on this machine: install that (update-ca-certificates), or name its file in SSL_CERT_FILE"
	case o.TLS != nil && (strings.Contains(words, "first record does not look like a TLS handshake") || strings.Contains(words, "server gave HTTP response to HTTPS client")):
		hint = "the server speaks without TLS on this port: leave secure=true out, or name its port for TLS (9440, of HTTP 8443)"
	case o.TLS == nil && strings.Contains(words, "unexpected packet [21]"):
		hint = "the server wants TLS on this port: add ?secure=true"
	case strings.Contains(words, "unexpected packet [72]"):
		hint = "this is a port for HTTP: name that of ClickHouse's own protocol (9000, with TLS 9440)"
	}
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, hint)
}

// byHTTP says which port was asked, where the server itself did not answer: it is not the
// one that all else uses.
func (o Options) byHTTP(err error) error {
	if err == nil || len(o.Addrs) == 0 || ServerWords(err) != "" {
		return err
	}
	return fmt.Errorf("%w; this query goes to the HTTP port %s, as ClickHouse makes tables, CSV or Parquet of an answer only there (all else goes to %s, by its own protocol): "+
		"open that port to this machine, or name another by http_port", err, o.HTTPAddr, o.Addrs[0])
}
