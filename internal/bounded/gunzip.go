package bounded

import (
	"compress/gzip"
	"fmt"
	"io"
)

// Gunzip undoes gzip piece by piece, for a reader that counts what it takes and stops
// where that is too much: nothing is held here but a window of 32 KiB. Its end is the
// end of r, and io.ErrUnexpectedEOF that of something that is cut.
func Gunzip(r io.Reader) (io.Reader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("inflate gzip: %w", err)
	}
	return z, nil
}
