package sign

import (
	"errors"
	"fmt"
)

// Trusted says what whoever checks trusts: keys, fingerprints, or both.
type Trusted struct {
	Keys         []Public
	Fingerprints []string // as ParseFingerprint returns them
}

// Empty tells whether nothing is trusted.
func (t Trusted) Empty() bool { return len(t.Keys) == 0 && len(t.Fingerprints) == 0 }

func (t Trusted) has(p Public) bool {
	for _, k := range t.Keys {
		if k.Equal(p) {
			return true
		}
	}
	for _, f := range t.Fingerprints {
		if f == p.Fingerprint() {
			return true
		}
	}
	return false
}

// ErrUntrusted says that no trusted key leads to the one that signed.
var ErrUntrusted = errors.New("no key that is trusted leads to the one that signed")

// Trust finds the way from a trusted key to the bundle's own: none where that one is
// trusted itself, else the rotations in between, the oldest first. Each was checked with
// the key that signed it.
func (b Bundle) Trust(t Trusted) ([]Rotation, error) {
	var way []Rotation
	at := b.Key
	for range len(b.Rotations) + 1 {
		if t.has(at) {
			return way, nil
		}
		r, ok := b.before(at)
		if !ok {
			return nil, ErrUntrusted
		}
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("%w: the rotation from key %s to %s: %w", ErrUntrusted, r.Old.ID(), r.New.ID(), err)
		}
		way = append([]Rotation{r}, way...)
		at = r.Old
	}
	return nil, ErrUntrusted // it leads round in a circle
}

// before is the rotation that made a key.
func (b Bundle) before(p Public) (Rotation, bool) {
	for _, r := range b.Rotations {
		if r.New.Equal(p) {
			return r, true
		}
	}
	return Rotation{}, false
}

// Broken names the rotations that their old key did not sign.
func (b Bundle) Broken() (broken []Rotation) {
	for _, r := range b.Rotations {
		if r.check() != nil {
			broken = append(broken, r)
		}
	}
	return broken
}
