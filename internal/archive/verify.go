package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/mp3"
)

// verify says whether a downloaded body is a whole mp3, and how long it plays.
func verify(b *Body) (time.Duration, error) {
	res, err := mp3.Scan(io.NewSectionReader(b, 0, b.Size))
	f := call.Failure{Host: b.Host, GotBytes: b.Size}
	switch {
	case err == nil:
		return res.Duration, nil
	case errors.Is(err, mp3.ErrTruncated):
		f.Code = call.CodeIncomplete
	case errors.Is(err, mp3.ErrDamaged):
		f.Code = call.CodeDamaged
	case errors.Is(err, mp3.ErrNotMP3):
		f.Code = looksLike(b)
	default:
		return 0, fmt.Errorf("reading a download back: %w", err)
	}
	return 0, failure(f)
}

// looksLike names what is not audio.
func looksLike(b *Body) call.Code {
	head := make([]byte, 512)
	n, _ := b.ReadAt(head, 0)
	head = bytes.TrimSpace(head[:n])
	switch {
	case b.Size == 0:
		return call.CodeEmpty
	case strings.HasPrefix(b.ContentType, "text/html") || bytes.HasPrefix(head, []byte("<")):
		return call.CodeHTML
	case bytes.HasPrefix(head, []byte("{")):
		return call.CodeJSON
	case bytes.HasPrefix(head, []byte("\x1f\x8b")): // a gzip file: only what says of itself that it is encoded is decoded
		return call.CodeCompressed
	}
	return call.CodeNotAudio
}
