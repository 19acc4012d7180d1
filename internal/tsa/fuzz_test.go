package tsa_test

import (
	"crypto/sha256"
	"crypto/x509"
	"testing"

	"fonoteka/internal/tsa"
)

// A response is whatever lies in a package: none makes Check panic, and none is trusted.
func FuzzCheck(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x30\x03\x02\x01\x02"))
	f.Add([]byte("\x30\x80\x30\x80\x30\x80"))
	f.Add([]byte("\x30\x0f0\x03\x02\x01\x000\x08\x06\t*\x86H\x86\xf7\r\x01\x07\x02\xa0\x00"))
	f.Fuzz(func(t *testing.T, response []byte) {
		if s, err := tsa.Check(response, tsa.Options{Digest: sha256.Sum256(nil), Roots: x509.NewCertPool()}); err == nil || s.Trusted {
			t.Errorf("it was trusted: %+v", s)
		}
	})
}
