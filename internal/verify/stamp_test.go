package verify_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"fonoteka/internal/bagit"
	"fonoteka/internal/pack"
	"fonoteka/internal/verify"
)

var noLimits bagit.Limits

func noRoots(t *testing.T) *x509.CertPool {
	t.Helper()
	return x509.NewCertPool()
}

// authority is one whose stamps are made here; package tsa is tested with openssl's.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "Test stamps"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return authority{t, key, cert}
}

func (a authority) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func (a authority) stamp(content string) string {
	a.t.Helper()
	digest := sha256.Sum256([]byte(content))
	s := timestamp.Timestamp{HashAlgorithm: crypto.SHA256, HashedMessage: digest[:], Time: time.Now().UTC().Truncate(time.Second), Policy: asn1.ObjectIdentifier{1, 2, 3}, AddTSACertificate: true}
	response, err := s.CreateResponseWithOpts(a.cert, a.key, crypto.SHA256)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(response)
}

func TestTimeStampsOfAPackage(t *testing.T) {
	t.Parallel()
	s, a := newSender(t), newAuthority(t)
	dir := s.write(nil)
	put(t, dir, pack.StampFile, a.stamp(get(t, dir, pack.TagManifest)))
	r := check(t, dir, verify.Options{Trust: s.trust(), Roots: a.roots()})
	if r.Verdict != verify.Whole || r.Stamp == nil || !r.Stamp.Trusted {
		t.Errorf("%s, %+v, %+v", r.Verdict, r.Stamp, r.Findings)
	}
	if r = check(t, dir, verify.Options{Trust: s.trust()}); r.Verdict != verify.Whole || r.Stamp == nil || r.Stamp.Trusted || r.Stamp.Authority != "CN=Test stamps" {
		t.Errorf("not checked: %s, %+v, %+v", r.Verdict, r.Stamp, r.Findings)
	}
	if r = check(t, dir, verify.Options{Trust: s.trust(), Roots: newAuthority(t).roots()}); !names(r, "time-stamp-wrong", pack.StampFile) {
		t.Errorf("another authority: %s, %+v", r.Verdict, r.Findings)
	}
	put(t, dir, pack.StampFile, a.stamp("another manifest"))
	for _, o := range []verify.Options{{Trust: s.trust()}, {Roots: a.roots()}} {
		if r = check(t, dir, o); r.Verdict != verify.Found || !names(r, "time-stamp-wrong", pack.StampFile) || r.Stamp != nil {
			t.Errorf("another manifest: %s, %+v", r.Verdict, r.Findings)
		}
	}
	put(t, dir, pack.StampFile, "no stamp")
	if r = check(t, dir, verify.Options{Trust: s.trust()}); !names(r, "time-stamp-wrong", pack.StampFile) {
		t.Errorf("no stamp: %s, %+v", r.Verdict, r.Findings)
	}
}
