package sign

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"aead.dev/minisign"
)

// keyBytes is the length of what a line of a public key encodes: two bytes of the
// algorithm, eight of the key's id, and the 32 bytes of Ed25519.
const keyBytes = 42

// Public is the key that a signature is checked with.
type Public struct {
	key minisign.PublicKey
}

// ErrNoKey says that a text is no public key.
var ErrNoKey = errors.New("it is no public key in the form of minisign")

// ParsePublic reads a key: the line of 56 letters alone, or a file that begins with a
// comment and that line, as minisign -G and Bundle.Text write it.
func ParsePublic(text string) (Public, error) {
	lines := strings.Split(strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n"), "\n")
	if strings.HasPrefix(lines[0], "untrusted comment:") {
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return Public{}, ErrNoKey
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(lines[0]))
	if err != nil || len(raw) != keyBytes {
		return Public{}, ErrNoKey
	}
	var p Public
	if err := p.key.UnmarshalText([]byte(base64.StdEncoding.EncodeToString(raw))); err != nil {
		return Public{}, ErrNoKey
	}
	return p, nil
}

// Line is the key in one line of 56 letters.
func (p Public) Line() string { return p.key.String() }

// ID is what minisign shows of a key: 16 hex digits. It protects nothing: anybody can
// make a key with the same.
func (p Public) ID() string { return fmt.Sprintf("%016X", p.key.ID()) }

// Equal tells whether both are the same key with the same id.
func (p Public) Equal(o Public) bool { return p.key.Equal(o.key) }

// IsZero tells whether it is none.
func (p Public) IsZero() bool { return p.Equal(Public{}) }

// Fingerprint is the beginning of the SHA-256 of the 42 bytes that Line encodes in
// base64: 32 hex digits in groups of four. Whoever has a key without Fonoteka gets it by
//
//	sed -n 2p keys.pub | base64 -d | sha256sum | cut -c 1-32
//
// The bytes are all of the line and not the 32 of Ed25519 alone, so that nothing of it
// can be changed, and nothing has to be cut out of it.
func (p Public) Fingerprint() string {
	raw, err := base64.StdEncoding.DecodeString(p.Line())
	if err != nil {
		panic(err) // it was encoded just now
	}
	sum := sha256.Sum256(raw)
	digits := hex.EncodeToString(sum[:16])
	groups := make([]string, 0, 8)
	for ; digits != ""; digits = digits[4:] {
		groups = append(groups, digits[:4])
	}
	return strings.Join(groups, "-")
}

// ErrNoFingerprint says that a text is none.
var ErrNoFingerprint = errors.New("a fingerprint has 32 hex digits, such as 0123-4567-89ab-cdef-0123-4567-89ab-cdef")

// ParseFingerprint reads one as people write it: in any case, with or without spaces,
// dashes and colons.
func ParseFingerprint(s string) (string, error) {
	s = strings.ToLower(strings.NewReplacer(" ", "", "-", "", ":", "", "\u00a0", "").Replace(s))
	if _, err := hex.DecodeString(s); err != nil || len(s) != 32 {
		return "", ErrNoFingerprint
	}
	var b bytes.Buffer
	for i := range 8 {
		if i > 0 {
			b.WriteByte('-')
		}
		b.WriteString(s[4*i : 4*i+4])
	}
	return b.String(), nil
}
