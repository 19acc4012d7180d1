package sign

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"aead.dev/minisign"
)

// Private is the key that signs.
type Private struct {
	key minisign.PrivateKey
}

// Public is the key that its signatures are checked with.
func (p Private) Public() Public {
	return Public{p.key.Public().(minisign.PublicKey)} // it always is one
}

// Sign signs a message that bears a file's name, as minisign -S does: pre-hashed, with
// the time and the name in the trusted comment, which the signature covers.
func (p Private) Sign(message []byte, file string, at time.Time) ([]byte, error) {
	if strings.ContainsAny(file, "\r\n\t") {
		return nil, fmt.Errorf("sign %q: the name has a line break or a tab", file)
	}
	r := minisign.NewReader(bytes.NewReader(message))
	var sink [4096]byte
	for {
		if _, err := r.Read(sink[:]); err != nil {
			break // a bytes.Reader ends and does not fail
		}
	}
	trusted := "timestamp:" + strconv.FormatInt(at.Unix(), 10) + "\tfile:" + file + "\thashed"
	return r.SignWithComments(p.key, trusted, "signature of fonoteka, key "+p.Public().ID()), nil
}

// What a signature can be.
var (
	ErrNoSignature = errors.New("it is no signature in the form of minisign")
	ErrOtherKey    = errors.New("another key made the signature")
	ErrWrong       = errors.New("the signature does not fit the content")
)

// Signature is what one says, whether it fits or not.
type Signature struct {
	KeyID   string // as Public.ID
	Comment string // the trusted comment: the signature covers it
	At      time.Time
}

// ReadSignature reads a signature without checking it.
func ReadSignature(text []byte) (Signature, error) {
	s, err := parseSignature(text)
	if err != nil {
		return Signature{}, err
	}
	out := Signature{KeyID: fmt.Sprintf("%016X", s.KeyID), Comment: s.TrustedComment}
	for part := range strings.SplitSeq(s.TrustedComment, "\t") {
		if stamp, ok := strings.CutPrefix(part, "timestamp:"); ok {
			if seconds, err := strconv.ParseInt(stamp, 10, 64); err == nil {
				out.At = time.Unix(seconds, 0).UTC()
			}
		}
	}
	return out, nil
}

func parseSignature(text []byte) (s minisign.Signature, err error) {
	if bytes.Count(bytes.TrimRight(text, "\r\n"), []byte("\n")) != 3 {
		return s, ErrNoSignature // more than four lines: what is behind them nothing covers
	}
	if err := s.UnmarshalText(text); err != nil {
		return s, ErrNoSignature
	}
	return s, nil
}

// Check holds a signature against a message and a key.
func Check(p Public, message, signature []byte) error {
	s, err := parseSignature(signature)
	switch {
	case err != nil:
		return err
	case s.KeyID != p.key.ID():
		return ErrOtherKey
	case !minisign.Verify(p.key, message, signature):
		return ErrWrong
	}
	return nil
}
