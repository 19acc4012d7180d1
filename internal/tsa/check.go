package tsa

import (
	"bytes"
	"crypto"
	"crypto/sha1" //nolint:gosec // of a certificate, which an older form of the attribute names by it
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// What is wrong with a time stamp. Errors of Check wrap one of these.
var (
	ErrForm        = errors.New("it is no time stamp that can be read")
	ErrRefused     = errors.New("the authority refused")
	ErrOtherDigest = errors.New("it is of other content")
	ErrOtherNonce  = errors.New("it answers another request")
	ErrSignature   = errors.New("the signature of the time stamp is wrong")
	ErrCertificate = errors.New("the certificate that signed it is not one for time stamps that was trusted then")
)

// Options of Check.
type Options struct {
	Digest [sha256.Size]byte // of what it must be of
	Nonce  *big.Int          // of our request; nil: not compared
	Roots  *x509.CertPool    // authorities that are trusted; nil: the signature is checked, and not whose it is
}

// Stamp is what a time stamp says.
type Stamp struct {
	Time      time.Time // UTC
	Accuracy  time.Duration
	Authority string // the subject of the certificate that signed it
	Serial    string // hex
	Policy    string // OID
	Trusted   bool   // the certificate leads to one of Options.Roots
}

var (
	oidInfo      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}  // what a time stamp's content is
	oidESS       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12} // signingCertificate, SHA-1
	oidESS2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47} // signingCertificateV2
	oidUsage     = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidSHA256    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	essAlgorithm = []struct {
		oid  asn1.ObjectIdentifier
		hash crypto.Hash
	}{{oidSHA256, crypto.SHA256}, {oidSHA384, crypto.SHA384}, {oidSHA512, crypto.SHA512}}
)

// Check reads a response and holds it against a digest. The Stamp is what it states, as
// far as it could be read, also where there is an error.
func Check(response []byte, o Options) (s Stamp, err error) {
	if len(response) > MaxResponse {
		return s, fmt.Errorf("%w: it is longer than %d bytes", ErrForm, MaxResponse)
	}
	defer func() {
		if p := recover(); p != nil { // of the libraries that read it: a response may be made to do that
			s, err = Stamp{}, fmt.Errorf("%w: %v", ErrForm, p)
		}
	}()
	return checkResponse(response, o)
}

func checkResponse(response []byte, o Options) (Stamp, error) {
	t, err := timestamp.ParseResponse(response)
	if err != nil {
		if refused(response) {
			return Stamp{}, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return Stamp{}, fmt.Errorf("%w: %w", ErrForm, err) // its signature may be wrong, too
	}
	s := Stamp{Time: t.Time.UTC(), Accuracy: t.Accuracy, Serial: fmt.Sprintf("%x", t.SerialNumber), Policy: t.Policy.String()}
	p, err := pkcs7.Parse(t.RawToken)
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrForm, err)
	}
	signer := p.GetOnlySigner()
	if signer == nil {
		return s, fmt.Errorf("%w: the certificate that signed it is not in it, or several signed it", ErrForm)
	}
	s.Authority = signer.Subject.String()
	switch {
	case t.HashAlgorithm != crypto.SHA256 || !bytes.Equal(t.HashedMessage, o.Digest[:]):
		return s, ErrOtherDigest
	case o.Nonce != nil && (t.Nonce == nil || t.Nonce.Cmp(o.Nonce) != 0):
		return s, ErrOtherNonce
	}
	if err := checkSigner(p, signer, s.Time); err != nil {
		return s, err
	}
	if o.Roots == nil {
		return s, nil
	}
	if err := checkChain(p, signer, o.Roots, s.Time); err != nil {
		return s, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	s.Trusted = true
	return s, nil
}

// refused tells whether a response says that there is no time stamp.
func refused(response []byte) bool {
	var r struct {
		Status struct {
			Status int
			Rest   []asn1.RawValue `asn1:"optional"`
		}
		Token asn1.RawValue `asn1:"optional"`
	}
	_, err := asn1.Unmarshal(response, &r)
	if err != nil { // what stands behind the number has forms of its own
		var outer, status asn1.RawValue
		if _, err := asn1.Unmarshal(response, &outer); err != nil {
			return false
		}
		if _, err := asn1.Unmarshal(outer.Bytes, &status); err != nil {
			return false
		}
		if _, err := asn1.Unmarshal(status.Bytes, &r.Status.Status); err != nil {
			return false
		}
	}
	return r.Status.Status > 1
}

// checkSigner sees to what makes a signature one of a time stamp: it covers that the
// content is one, and which certificate is meant (RFC 3161, 2.4.2; RFC 5816), and that
// certificate is for time stamps alone (RFC 3161, 2.3).
func checkSigner(p *pkcs7.PKCS7, signer *x509.Certificate, at time.Time) error {
	if err := p.Verify(); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	var kind asn1.ObjectIdentifier
	if err := p.UnmarshalSignedAttribute(pkcs7.OIDAttributeContentType, &kind); err != nil || !kind.Equal(oidInfo) {
		return fmt.Errorf("%w: what is signed is no time stamp", ErrSignature)
	}
	if err := named(p, signer); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if !slices.Equal(signer.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}) || len(signer.UnknownExtKeyUsage) > 0 {
		return fmt.Errorf("%w: it is not for time stamps alone", ErrCertificate)
	}
	for _, e := range signer.Extensions {
		if e.Id.Equal(oidUsage) && !e.Critical {
			return fmt.Errorf("%w: that it is for time stamps is not marked as critical", ErrCertificate)
		}
	}
	if at.Before(signer.NotBefore) || at.After(signer.NotAfter) {
		return fmt.Errorf("%w: it was valid from %s to %s only", ErrCertificate, signer.NotBefore.UTC().Format(time.DateOnly), signer.NotAfter.UTC().Format(time.DateOnly))
	}
	return nil
}

// essCert is the beginning of ESSCertID and, with an algorithm, ESSCertIDv2.
type essCert struct {
	Hash []byte
	Rest asn1.RawValue `asn1:"optional"`
}

type essCert2 struct {
	Algorithm struct {
		OID  asn1.ObjectIdentifier
		Null asn1.RawValue `asn1:"optional"`
	} `asn1:"optional"`
	Hash []byte
	Rest asn1.RawValue `asn1:"optional"`
}

// named holds the signing certificate against the one that the signature names: without
// that, another certificate of the same key could be put in its place.
func named(p *pkcs7.PKCS7, signer *x509.Certificate) error {
	var second struct {
		Certs []essCert2
		Rest  asn1.RawValue `asn1:"optional"`
	}
	if err := p.UnmarshalSignedAttribute(oidESS2, &second); err == nil && len(second.Certs) > 0 {
		c := second.Certs[0]
		hash := crypto.SHA256 // where none is named
		if len(c.Algorithm.OID) > 0 {
			hash = 0
			for _, a := range essAlgorithm {
				if a.oid.Equal(c.Algorithm.OID) {
					hash = a.hash
				}
			}
		}
		if hash == 0 || !hash.Available() {
			return errors.New("it names its certificate by an algorithm that is not known here")
		}
		h := hash.New()
		h.Write(signer.Raw)
		return same(h.Sum(nil), c.Hash)
	}
	var first struct {
		Certs []essCert
		Rest  asn1.RawValue `asn1:"optional"`
	}
	if err := p.UnmarshalSignedAttribute(oidESS, &first); err == nil && len(first.Certs) > 0 {
		sum := sha1.Sum(signer.Raw) //nolint:gosec // see above
		return same(sum[:], first.Certs[0].Hash)
	}
	return errors.New("it does not name its certificate")
}

func same(is, said []byte) error {
	if !bytes.Equal(is, said) {
		return errors.New("it names another certificate")
	}
	return nil
}

// checkChain leads the certificate to a root, as it was at a time.
func checkChain(p *pkcs7.PKCS7, signer *x509.Certificate, roots *x509.CertPool, at time.Time) error {
	between := x509.NewCertPool()
	for _, c := range p.Certificates {
		between.AddCert(c)
	}
	_, err := signer.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	})
	return err
}
