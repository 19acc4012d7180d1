package bagit

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"io"
)

// Sum is what a file of a Writer's bag contains: its size and both digests.
type Sum struct {
	Size   int64 // bytes
	SHA256 [sha256.Size]byte
	SHA512 [sha512.Size]byte
}

// of is the digest of an algorithm.
func (s Sum) of(algorithm string) []byte {
	if algorithm == sha256Name {
		return s.SHA256[:]
	}
	return s.SHA512[:]
}

// summer computes a Sum of what is written to it.
type summer struct {
	size         int64
	short, large hash.Hash
}

func newSummer() *summer { return &summer{short: sha256.New(), large: sha512.New()} }

func (s *summer) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	s.short.Write(p) // a hash's Write never fails
	s.large.Write(p)
	return len(p), nil
}

func (s *summer) sum() Sum {
	r := Sum{Size: s.size}
	s.short.Sum(r.SHA256[:0])
	s.large.Sum(r.SHA512[:0])
	return r
}

// copyAll copies with a buffer of the caller's: io.CopyBuffer would use the methods of
// reader and writer instead, and they allocate.
func copyAll(w io.Writer, r io.Reader, buf []byte) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, buf)
}
