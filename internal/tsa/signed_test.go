package tsa_test

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
)

// signedBy stamps with an authority's key whatever its certificate is for, which openssl
// does not do.
func signedBy(t *testing.T, a *authority, digest [sha256.Size]byte) []byte {
	t.Helper()
	return signedAt(t, a, digest, time.Now())
}

func signedAt(t *testing.T, a *authority, digest [sha256.Size]byte, at time.Time) []byte {
	t.Helper()
	block, _ := pem.Decode(a.read("tsa.key"))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	s := timestamp.Timestamp{
		HashAlgorithm: crypto.SHA256, HashedMessage: digest[:], Time: at.UTC().Truncate(time.Second),
		Policy: asn1.ObjectIdentifier{1, 2, 3, 4, 1}, AddTSACertificate: true,
	}
	response, err := s.CreateResponseWithOpts(certificate(t, a), key.(crypto.Signer), crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return response
}
