package verify

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"time"

	"fonoteka/internal/bagit"
	"fonoteka/internal/pack"
	"fonoteka/internal/sign"
	"fonoteka/internal/tsa"
)

const (
	maxSigned    = 64 << 20
	maxSignature = 64 << 10
	maxKeys      = 4 << 20
)

// Signature is what is known of one.
type Signature struct {
	State       SignatureState `json:"state"`
	KeyID       string         `json:"key_id,omitempty"`
	Fingerprint string         `json:"fingerprint,omitempty"` // of the key that signed
	SaidAt      time.Time      `json:"said_at,omitzero"`      // by the signer's clock
	Rotations   int            `json:"rotations,omitempty"`   // that lead from the trusted key to it
}

// SignatureState says how far a signature could be checked.
type SignatureState string

// The states.
const (
	Unsigned     SignatureState = "unsigned"
	SignedBySelf SignatureState = "own-key" // fits the key in the package, which proves nothing of where it comes from
	SignedBy     SignatureState = "trusted" // fits a key that was given, or one that follows from it
	SignedWrong  SignatureState = "wrong"
)

// signed is the tag manifest, as the report saw it.
func (c *check) signed(report *bagit.Report) ([]byte, bool) {
	b, err := readAll(c.src, pack.TagManifest, maxSigned)
	if err != nil {
		return nil, false // the report tells of it
	}
	for _, m := range report.TagManifests {
		if m.Name == pack.TagManifest && m.Sum.SHA256 == sha256.Sum256(b) {
			return b, true
		}
	}
	return nil, false
}

func (c *check) signature(report *bagit.Report) {
	s := &c.out.Signature
	s.State = Unsigned
	if !c.marks.signature {
		switch {
		case !c.opts.Trust.Empty():
			c.f.fail(SignatureMissing, pack.SignatureFile, "there is no signature, and one by the given key is demanded", "подписи нет, а требуется подпись указанным ключом")
		case c.marks.keys && c.out.Ours:
			c.f.fail(SignatureMissing, pack.SignatureFile, "the package has a key for its signature, and the signature is not there: it was removed", "в пакете есть ключ для подписи, а самой подписи нет: её удалили")
		}
		return
	}
	text, err := readAll(c.src, pack.SignatureFile, maxSignature)
	said, err2 := sign.ReadSignature(text)
	if err = errors.Join(err, err2); err != nil {
		c.wrong(err)
		return
	}
	s.KeyID, s.SaidAt = said.KeyID, said.At
	message, ok := c.signed(report)
	if !ok {
		s.State = SignedWrong
		return // the tag manifest is not there or cannot be read, which is told
	}
	for _, key := range c.opts.Trust.Keys { // without anything of the package's
		if sign.Check(key, message, text) == nil {
			s.State, s.Fingerprint = SignedBy, key.Fingerprint()
			return
		}
	}
	c.byBundle(message, text)
}

// byBundle checks a signature with the key that the package brings, and whether that one
// is trusted.
func (c *check) byBundle(message, text []byte) {
	s := &c.out.Signature
	raw, err := readAll(c.src, pack.KeysFile, maxKeys)
	var b sign.Bundle
	if err == nil {
		b, err = sign.ParseBundle(string(raw))
	}
	if err != nil {
		if c.out.Ours {
			c.f.fail(KeysForm, pack.KeysFile, "the key of the signature is not there or cannot be read: %v", "ключа подписи нет, или он не читается: %v", err)
		}
		if !c.opts.Trust.Empty() {
			c.untrusted()
		}
		s.State = SignedWrong
		return
	}
	if err := sign.Check(b.Key, message, text); err != nil {
		if !c.opts.Trust.Empty() && errors.Is(err, sign.ErrOtherKey) {
			c.untrusted()
		}
		c.wrong(err)
		return
	}
	s.State, s.Fingerprint = SignedBySelf, b.Key.Fingerprint()
	if c.opts.Trust.Empty() {
		return
	}
	way, err := b.Trust(c.opts.Trust)
	if err != nil {
		c.untrusted()
		return
	}
	s.State, s.Rotations = SignedBy, len(way)
}

func (c *check) wrong(err error) {
	c.out.Signature.State = SignedWrong
	c.f.fail(SignatureWrong, pack.SignatureFile, "the signature is wrong: %v", "подпись неверна: %v", err)
}

func (c *check) untrusted() {
	c.f.fail(KeyUntrusted, pack.SignatureFile, "another key than the given one signed it (key %s), and none of the given keys leads to that", "подписано не указанным ключом (ключ %s), и ни один из указанных ключей к нему не ведёт", c.out.Signature.KeyID)
}

// Stamp is what is known of a time stamp.
type Stamp struct {
	Time      time.Time `json:"time"`
	Authority string    `json:"authority"`
	Trusted   bool      `json:"trusted"` // the authority's certificate leads to a given one
}

func (c *check) stamp(report *bagit.Report) {
	if !c.marks.stamp {
		if c.opts.Roots != nil {
			c.f.fail(StampMissing, pack.StampFile, "there is no time stamp, and one is demanded", "метки времени нет, а она требуется")
		}
		return
	}
	response, err := readAll(c.src, pack.StampFile, tsa.MaxResponse)
	message, ok := c.signed(report)
	if err == nil && !ok {
		return // what it is of is not there, which is told
	}
	var stamp tsa.Stamp
	if err == nil {
		stamp, err = tsa.Check(response, tsa.Options{Digest: sha256.Sum256(message), Roots: c.opts.Roots})
	}
	if err != nil {
		c.f.fail(StampWrong, pack.StampFile, "the time stamp is wrong: %v", "метка времени неверна: %v", err)
		return
	}
	c.out.Stamp = &Stamp{Time: stamp.Time, Authority: stamp.Authority, Trusted: stamp.Trusted}
}

// Roots reads certificates of authorities in PEM.
func Roots(pem []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(bytes.TrimSpace(pem)) {
		return nil, errors.New("it has no certificates in PEM")
	}
	return pool, nil
}
