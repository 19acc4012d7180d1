package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"fonoteka/internal/audio"
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
)

// verify says whether a downloaded body is a whole recording, and what it is.
func verify(b *fetch.Body) (audio.Result, error) {
	res, err := audio.Verify(io.NewSectionReader(b, 0, b.Size))
	f := call.Failure{Host: b.Host, GotBytes: b.Size, Format: string(res.Format)}
	switch {
	case err == nil && res.Unsized && b.Unmeasured: // nobody says where it ends
		f.Code = call.CodeUnverifiable
	case err == nil:
		return res, nil
	case errors.Is(err, audio.ErrTruncated):
		f.Code = call.CodeIncomplete
	case errors.Is(err, audio.ErrDamaged):
		f.Code = call.CodeDamaged
	case errors.Is(err, audio.ErrUnverifiable):
		f.Code = call.CodeUnverifiable
	case errors.Is(err, audio.ErrNotAudio):
		f.Code = looksLike(b)
	default:
		return res, fmt.Errorf("reading a download back: %w", err)
	}
	failed := failure(f)
	failed.Why = err
	return res, failed
}

// looksLike names what is not audio.
func looksLike(b *fetch.Body) call.Code {
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
