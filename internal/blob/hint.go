package blob

import (
	"crypto/x509"
	"errors"
	"strings"
)

// hint says what is probably wrong in the address when a request fails so; "" where
// nothing is known.
func (l Location) hint(err error) string {
	if err == nil {
		return ""
	}
	var authority x509.UnknownAuthorityError
	words := err.Error()
	switch {
	case errors.As(err, &authority):
		return "the authority of its certificate is not known on this machine: install that (update-ca-certificates), or name its file in SSL_CERT_FILE"
	case l.Secure && (strings.Contains(words, "server gave HTTP response to HTTPS client") || strings.Contains(words, "first record does not look like a TLS handshake")):
		return "the store speaks plain HTTP: end --s3-url in ?secure=false"
	case !l.Secure && strings.Contains(words, "HTTP request to an HTTPS server"):
		return "the store wants TLS: leave secure=false out of --s3-url"
	case !l.Secure && strings.Contains(words, "400 Bad Request"): // of a request whose answer has no body
		return "a store that wants TLS answers so: then leave secure=false out of --s3-url"
	}
	return ""
}
