package bounded

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// ErrEncoding is wrapped by the error about a content encoding that Inflate does not
// know.
var ErrEncoding = errors.New("this encoding is not understood")

// Inflate undoes a content encoding, as the header of that name spells it: gzip,
// deflate, identity or none. By deflate some senders mean zlib, as RFC 9110 does, and
// others what zlib holds, without its head and sum (RFC 1951); both are understood. A body that is not encoded is returned as it is. One
// that becomes longer than limit bytes is an error that wraps ErrTooLarge, and no
// more than limit bytes of it have been inflated by then.
func Inflate(body []byte, encoding string, limit int) ([]byte, error) {
	var r io.Reader
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		if len(body) > limit {
			return nil, tooLarge("it has", limit)
		}
		return body, nil
	case "gzip", "x-gzip":
		z := gzips.Get().(*gzip.Reader)
		defer gzips.Put(z)
		if err := z.Reset(bytes.NewReader(body)); err != nil {
			return nil, fmt.Errorf("inflate gzip: %w", err)
		}
		r = z
	case "deflate":
		if !isZlib(body) {
			z := flates.Get().(io.ReadCloser)
			defer flates.Put(z)
			if err := z.(flate.Resetter).Reset(bytes.NewReader(body), nil); err != nil {
				return nil, fmt.Errorf("inflate deflate: %w", err)
			}
			r = z
			break
		}
		z, err := unzlib(body)
		if err != nil {
			return nil, fmt.Errorf("inflate deflate: %w", err)
		}
		defer zlibs.Put(z)
		r = z
	default:
		return nil, ErrEncoding
	}
	return inflate(r, limit)
}

// Readers are used again: each has a window of 32 KiB and its tables, so that a batch of
// small bodies would make a gigabyte of garbage.
var (
	gzips  = sync.Pool{New: func() any { return new(gzip.Reader) }}
	flates = sync.Pool{New: func() any { return flate.NewReader(nil) }}
	zlibs  sync.Pool // of zlib's io.ReadCloser
)

// isZlib says whether a body has zlib's head (RFC 1950): method 8, and a number that 31
// divides. No compressor writes deflate that begins so: its first bits would be those of a
// stored block, with padding that is not zero.
func isZlib(body []byte) bool {
	return len(body) >= 2 && body[0]&0x0f == 8 && (int(body[0])<<8|int(body[1]))%31 == 0
}

func unzlib(body []byte) (io.Reader, error) {
	z, there := zlibs.Get().(io.Reader)
	if !there {
		return zlib.NewReader(bytes.NewReader(body))
	}
	return z, z.(zlib.Resetter).Reset(bytes.NewReader(body), nil)
}

// scratches are buffers that are inflated into. What is too large has then cost no
// memory that was not there before.
var scratches = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxScratch is the largest buffer that is kept, bytes.
const maxScratch = 4 << 20

func inflate(r io.Reader, limit int) ([]byte, error) {
	b := scratches.Get().(*bytes.Buffer)
	defer func() {
		if b.Cap() <= maxScratch {
			scratches.Put(b)
		}
	}()
	b.Reset()
	switch _, err := b.ReadFrom(io.LimitReader(r, int64(limit)+1)); {
	case b.Len() > limit: // whatever comes after it
		return nil, tooLarge("it inflates to", limit)
	case err != nil:
		return nil, fmt.Errorf("inflate: %w", err)
	}
	return bytes.Clone(b.Bytes()), nil
}
