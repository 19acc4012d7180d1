package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// ErrAltered is returned by Verified where the bytes do not have the digest.
var ErrAltered = errors.New("the stored bytes are not those that were archived")

// Withheld is how many bytes at the end Verified withholds until it has checked all.
const Withheld = 32 << 10

// Verified returns the bytes of r, a whole object, and the last Withheld of them only if
// all have that size and SHA-256 (lower-case hex). Else
// it returns ErrAltered, so that a reader cannot take the earlier bytes for the whole.
func Verified(r io.Reader, size int64, sha256hex string) io.Reader {
	return &verified{r: r, size: size, want: sha256hex, hash: sha256.New()}
}

type verified struct {
	r    io.Reader
	size int64
	want string
	hash hash.Hash
	at   int64 // bytes read from r
	tail []byte
	err  error // for all that follow; io.EOF once the tail is checked
}

// Read implements io.Reader.
func (v *verified) Read(p []byte) (int, error) {
	if len(v.tail) == 0 && v.err == nil {
		if before := v.size - Withheld - v.at; before > 0 {
			return v.early(p[:min(int64(len(p)), before)])
		}
		v.tail, v.err = v.last()
	}
	if len(v.tail) == 0 {
		return 0, v.err
	}
	n := copy(p, v.tail)
	v.tail = v.tail[n:]
	return n, nil
}

func (v *verified) early(p []byte) (int, error) {
	n, err := v.r.Read(p)
	v.at += int64(n)
	v.hash.Write(p[:n])
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: they end after %d of %d", ErrAltered, v.at, v.size)
	}
	v.err = err
	return n, err
}

// last reads the end, and gives it with io.EOF if all is right.
func (v *verified) last() ([]byte, error) {
	tail, err := io.ReadAll(io.LimitReader(v.r, v.size-v.at+1))
	if err != nil {
		return nil, err
	}
	if got := v.at + int64(len(tail)); got != v.size {
		return nil, fmt.Errorf("%w: %d or more instead of %d", ErrAltered, got, v.size)
	}
	v.hash.Write(tail)
	if got := hex.EncodeToString(v.hash.Sum(nil)); got != v.want {
		return nil, fmt.Errorf("%w: their sha256 is %s, not %s", ErrAltered, got, v.want)
	}
	return tail, io.EOF
}
