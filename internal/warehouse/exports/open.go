package exports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/export"
	"fonoteka/internal/run"
)

// tries is how often an object is asked for before it is clear that the store does not
// give it back.
const tries = 3

// Open is part of export.Source. It reads by ranges: a reading that breaks off goes on
// where it was, and the client's own check of a whole object, whose error would hide what
// is there, is not asked for.
func (s *Source) Open(ctx context.Context, o export.Object) (io.ReadCloser, error) {
	r := &object{ctx: ctx, store: s.store, key: o.Key}
	if elsewhere, ok := s.store.(*blob.Bucket); ok {
		r.store = elsewhere.In(o.Bucket)
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	return r, nil
}

// object is one that is read.
type object struct {
	ctx   context.Context
	store Store
	key   string
	body  io.ReadCloser
	at    int64
}

// open opens what is behind at.
func (r *object) open() error {
	var err error
	for n := range tries {
		if n > 0 {
			run.Sleep(r.ctx, time.Duration(n)*time.Second)
		}
		r.body, _, err = r.store.GetRange(r.ctx, r.key, r.at, -1)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, blob.ErrRange): // nothing is left of it
			r.body = io.NopCloser(strings.NewReader(""))
			return nil
		case errors.Is(err, blob.ErrNotFound):
			return fmt.Errorf("%w: %w", export.ErrAbsent, err)
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		}
	}
	return r.failed(err)
}

// failed is what a failure says of the object: where the store answers otherwise, that
// the object cannot be read; else that the store is away.
func (r *object) failed(err error) error {
	if down := r.store.Ping(r.ctx); down != nil {
		return fmt.Errorf("read %s: %w", r.key, down)
	}
	return fmt.Errorf("%w: %w", export.ErrUnreadable, err)
}

// Read implements io.Reader.
func (r *object) Read(p []byte) (int, error) {
	for n := 0; ; n++ {
		got, err := r.body.Read(p)
		r.at += int64(got)
		if err == nil || errors.Is(err, io.EOF) || r.ctx.Err() != nil {
			return got, err
		}
		if n+1 == tries {
			return got, r.failed(err)
		}
		r.body.Close()
		if err := r.open(); err != nil {
			return got, err
		}
		if got > 0 {
			return got, nil
		}
	}
}

// Close implements io.Closer.
func (r *object) Close() error { return r.body.Close() }
