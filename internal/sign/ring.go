package sign

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"aead.dev/minisign"
)

// Store keeps secrets sealed, under names of their own: state.Vault. Load returns
// fs.ErrNotExist where nothing is kept.
type Store interface {
	Load(name string, into any) error
	Save(name string, content any) error
	Lock(ctx context.Context, name string) (release func() error, err error)
}

const storeName = "signing-key"

// Ring is the key of an installation, in its Store. Its methods may be called by several
// processes at once.
type Ring struct {
	Store Store
}

// kept is what lies in the store. Private keys of before are not kept: nothing is signed
// with them any more.
type kept struct {
	Private   string    `json:"private"` // minisign's own text, without a password: the store seals it
	CreatedAt time.Time `json:"created_at"`
	Bundle    string    `json:"bundle"` // public
}

// Of a ring.
var (
	ErrNone   = errors.New("there is no signing key yet (fonoteka keys create makes one)")
	ErrExists = errors.New("there is a signing key already (fonoteka keys rotate replaces it)")
)

// Create makes the first key. ErrExists where there is one.
func (r Ring) Create(ctx context.Context, now time.Time) (b Bundle, err error) {
	return r.change(ctx, func(before *kept) (Private, Bundle, error) {
		if before != nil {
			return Private{}, Bundle{}, ErrExists
		}
		next, err := generate()
		return next, Bundle{Key: next.Public()}, err
	}, now)
}

// Rotate puts a new key in the place of the one that is there, which signs it. When it
// returns nil, the old private key is gone. ErrNone where there is none.
func (r Ring) Rotate(ctx context.Context, now time.Time) (Bundle, error) {
	return r.change(ctx, func(before *kept) (next Private, b Bundle, err error) {
		if before == nil {
			return next, b, ErrNone
		}
		old, was, err := before.open()
		if err != nil {
			return next, b, err
		}
		if next, err = generate(); err != nil {
			return next, b, err
		}
		step, err := follow(old, next.Public(), now)
		return next, Bundle{Key: next.Public(), Rotations: append([]Rotation{step}, was.Rotations...)}, err
	}, now)
}

// Open returns the key that signs, and the bundle that goes with what it signs. ErrNone.
func (r Ring) Open() (Private, Bundle, error) {
	k, err := r.load()
	switch {
	case err != nil:
		return Private{}, Bundle{}, err
	case k == nil:
		return Private{}, Bundle{}, ErrNone
	}
	return k.open()
}

// Created is when the key that signs was made. ErrNone.
func (r Ring) Created() (time.Time, error) {
	k, err := r.load()
	switch {
	case err != nil:
		return time.Time{}, err
	case k == nil:
		return time.Time{}, ErrNone
	}
	return k.CreatedAt, nil
}

func (r Ring) load() (*kept, error) {
	k := &kept{}
	switch err := r.Store.Load(storeName, k); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("open the signing key: %w", err)
	}
	return k, nil
}

func (r Ring) change(ctx context.Context, next func(before *kept) (Private, Bundle, error), now time.Time) (b Bundle, err error) {
	release, err := r.Store.Lock(ctx, storeName)
	if err != nil {
		return b, fmt.Errorf("open the signing key: %w", err)
	}
	defer func() { err = errors.Join(err, release()) }()
	before, err := r.load()
	if err != nil {
		return b, err
	}
	private, b, err := next(before)
	if err != nil {
		return b, err
	}
	text, err := private.key.MarshalText()
	if err != nil {
		return b, fmt.Errorf("keep the signing key: %w", err)
	}
	if err := r.Store.Save(storeName, kept{Private: string(text), CreatedAt: now.UTC().Truncate(time.Second), Bundle: b.Text()}); err != nil {
		return Bundle{}, fmt.Errorf("keep the signing key: %w", err)
	}
	return b, nil
}

func (k *kept) open() (p Private, b Bundle, err error) {
	if err := p.key.UnmarshalText([]byte(k.Private)); err != nil {
		return p, b, errors.New("open the signing key: what is kept is no key") // its error may repeat the text
	}
	if b, err = ParseBundle(k.Bundle); err != nil {
		return p, b, fmt.Errorf("open the signing key: %w", err)
	}
	if !b.Key.Equal(p.Public()) {
		return p, b, errors.New("open the signing key: its public half is another key's")
	}
	return p, b, nil
}

func generate() (Private, error) {
	_, key, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		return Private{}, fmt.Errorf("make a signing key: %w", err)
	}
	return Private{key}, nil
}
