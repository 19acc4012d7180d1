package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"fonoteka/internal/mp3"
)

// verify says whether a downloaded body is a whole mp3, and how long it plays.
func verify(b *Body) (time.Duration, error) {
	res, err := mp3.Scan(io.NewSectionReader(b, 0, b.Size))
	switch {
	case err == nil:
		return res.Duration, nil
	case errors.Is(err, mp3.ErrTruncated):
		return 0, failure(Incomplete, "the file from the operator's server %s ends before its end (%d bytes)", b.Host, b.Size)
	case errors.Is(err, mp3.ErrDamaged):
		return 0, failure(Damaged, "the file from the operator's server %s is damaged: there is something else amid the audio", b.Host)
	case errors.Is(err, mp3.ErrNotMP3):
		return 0, failure(NotAudio, "the operator's server %s sent %s instead of audio; it may still be preparing the file", b.Host, looksLike(b))
	}
	return 0, fmt.Errorf("reading a download back: %w", err)
}

// looksLike names what is not audio, for people.
func looksLike(b *Body) string {
	head := make([]byte, 512)
	n, _ := b.ReadAt(head, 0)
	head = bytes.TrimSpace(head[:n])
	switch {
	case b.Size == 0:
		return "an empty file"
	case strings.HasPrefix(b.ContentType, "text/html") || bytes.HasPrefix(head, []byte("<")):
		return "a web page"
	case bytes.HasPrefix(head, []byte("{")):
		return "a JSON message"
	case bytes.HasPrefix(head, []byte("\x1f\x8b")): // gzip, which was not asked for, and is not undone: bytes are kept as they come
		return "a compressed file"
	}
	return "something else"
}
