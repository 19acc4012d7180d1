package blob_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"fonoteka/internal/blob"
)

// However the bytes come and whatever is wrong with them, the whole is given only
// if it is right, and else the last 32 KiB stay behind.
func TestVerifiedKeepsTheEndBackUntilAllIsKnown(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, blob.Withheld - 1, blob.Withheld, blob.Withheld + 1, 3*blob.Withheld + 7} {
		good := bytes.Repeat([]byte{7}, size)
		sum := sha256.Sum256(good)
		digest := hex.EncodeToString(sum[:])
		for name, change := range map[string]func([]byte) []byte{
			"right":          func(b []byte) []byte { return b },
			"the first byte": func(b []byte) []byte { return flipped(b, 0) },
			"the last byte":  func(b []byte) []byte { return flipped(b, len(b)-1) },
			"one less":       func(b []byte) []byte { return b[:max(len(b)-1, 0)] },
			"half of it":     func(b []byte) []byte { return b[:len(b)/2] },
			"one more":       func(b []byte) []byte { return append(bytes.Clone(b), 7) },
		} {
			stored := change(good)
			for how, slow := range map[string]func(io.Reader) io.Reader{"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "with its end": iotest.DataErrReader} {
				got, err := io.ReadAll(blob.Verified(slow(bytes.NewReader(stored)), int64(size), digest))
				if bytes.Equal(stored, good) {
					if err != nil || !bytes.Equal(got, good) {
						t.Errorf("%d bytes, %s, %s: %d bytes, %v", size, name, how, len(got), err)
					}
				} else if !errors.Is(err, blob.ErrAltered) || len(got) > max(size-blob.Withheld, 0) {
					t.Errorf("%d bytes, %s, %s: %d bytes got out, %v", size, name, how, len(got), err)
				}
			}
		}
	}
	broken := errors.New("broken off")
	_, err := io.ReadAll(blob.Verified(io.MultiReader(bytes.NewReader(make([]byte, 10)), iotest.ErrReader(broken)), 20, ""))
	if !errors.Is(err, broken) || errors.Is(err, blob.ErrAltered) {
		t.Errorf("a stream that breaks off: %v", err)
	}
}

func flipped(b []byte, i int) []byte {
	out := bytes.Clone(b)
	if len(out) > 0 {
		out[i] ^= 1
	}
	return out
}
