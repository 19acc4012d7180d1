package sign

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Rotation is how one key follows another: a statement of four lines that the old key
// has signed.
//
//	fonoteka key rotation 1
//	old RWQ…
//	new RWQ…
//	at 2026-11-30T12:00:00Z
//
// Those four lines, each with its line break, are the signed bytes: cut out of keys.pub
// into a file, minisign -Vm accepts them with the old key.
type Rotation struct {
	Old, New  Public
	At        time.Time // UTC, whole seconds
	Signature string    // of minisign, four lines
}

const rotationHead = "fonoteka key rotation 1"

func (r Rotation) statement() string {
	return rotationHead + "\nold " + r.Old.Line() + "\nnew " + r.New.Line() + "\nat " + r.At.UTC().Format(time.RFC3339) + "\n"
}

// check tells whether the old key signed the statement.
func (r Rotation) check() error { return Check(r.Old, []byte(r.statement()), []byte(r.Signature)) }

// follow makes the rotation from one key to another.
func follow(old Private, next Public, at time.Time) (Rotation, error) {
	r := Rotation{Old: old.Public(), New: next, At: at.UTC().Truncate(time.Second)}
	signature, err := old.Sign([]byte(r.statement()), "rotation.txt", at)
	r.Signature = string(signature)
	return r, err
}

// Bundle is what the file keys.pub says: the key that signs, and how it follows from the
// ones before it, the newest first.
type Bundle struct {
	Key       Public
	Rotations []Rotation
}

// maxRotations of a bundle that is read.
const maxRotations = 1000

// Text is the bundle as a file. Its first two lines are the key as minisign -p reads it.
func (b Bundle) Text() string {
	var s strings.Builder
	s.WriteString("untrusted comment: fonoteka public key " + b.Key.ID() + ", fingerprint " + b.Key.Fingerprint() + "\n" + b.Key.Line() + "\n")
	for _, r := range b.Rotations {
		s.WriteString("\n" + r.statement() + r.Signature)
	}
	return s.String()
}

// ErrBundle says that a file is no bundle.
var ErrBundle = errors.New("it is no file of public keys of Fonoteka")

// ParseBundle reads one. Its rotations are not checked here: Trust does it.
func ParseBundle(text string) (b Bundle, err error) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) < 2 || !strings.HasPrefix(lines[0], "untrusted comment: ") {
		return b, ErrBundle
	}
	if b.Key, err = ParsePublic(lines[1]); err != nil {
		return b, fmt.Errorf("%w: line 2: %w", ErrBundle, err)
	}
	for lines = lines[2:]; len(lines) > 0; lines = lines[9:] {
		if len(lines) < 9 || lines[0] != "" || lines[1] != rotationHead || len(b.Rotations) == maxRotations {
			return b, fmt.Errorf("%w: a rotation is not as it is written", ErrBundle)
		}
		r, err := parseRotation(lines[2:9])
		if err != nil {
			return b, fmt.Errorf("%w: %w", ErrBundle, err)
		}
		b.Rotations = append(b.Rotations, r)
	}
	if b.Text() != text {
		return b, fmt.Errorf("%w: it is not written as Fonoteka writes it", ErrBundle)
	}
	return b, nil
}

func parseRotation(lines []string) (r Rotation, err error) {
	old, ok := strings.CutPrefix(lines[0], "old ")
	next, ok2 := strings.CutPrefix(lines[1], "new ")
	at, ok3 := strings.CutPrefix(lines[2], "at ")
	if !ok || !ok2 || !ok3 {
		return r, errors.New("a rotation is not as it is written")
	}
	if r.Old, err = ParsePublic(old); err != nil {
		return r, err
	}
	if r.New, err = ParsePublic(next); err != nil {
		return r, err
	}
	if r.At, err = time.Parse(time.RFC3339, at); err != nil {
		return r, errors.New("the time of a rotation cannot be read")
	}
	r.Signature = strings.Join(lines[3:], "\n") + "\n"
	return r, nil
}
