package fetch_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// A large file that comes encoded goes through memory and disk like any other.
func TestALargeEncodedFileIsDecodedPieceByPiece(t *testing.T) {
	t.Parallel()
	large := make([]byte, 6<<20)
	for i, rng := 0, rand.New(rand.NewPCG(1, 1)); i < len(large); i++ {
		large[i] = byte(rng.Uint32() & 15)
	}
	got, body, err := fetched(t, answer(200, gzipped(t, large), "Content-Encoding", "gzip"))
	if err != nil || !bytes.Equal(got, large) || body.SHA256 != digest(large) {
		t.Fatalf("%d bytes of %d, %v", len(got), len(large), err)
	}
}
