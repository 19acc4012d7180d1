package audio

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// cursor reads a file forward, with a look ahead.
type cursor struct {
	r   *bufio.Reader
	off int64 // of the next byte in the file
	err error // of the reader, other than its end
}

// bufferSize holds the largest page of Ogg, 65,307 bytes, and all that is looked for at
// the beginning of a file.
const bufferSize = 128 << 10

var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, bufferSize) }}

func newCursor(r io.Reader) (_ *cursor, giveBack func()) {
	b := buffers.Get().(*bufio.Reader)
	b.Reset(r)
	return &cursor{r: b}, func() {
		b.Reset(nil)
		buffers.Put(b)
	}
}

// peek returns the next n bytes, fewer only at the end or after a failed read.
func (c *cursor) peek(n int) []byte {
	b, err := c.r.Peek(n)
	c.note(err)
	return b
}

// skip passes n bytes and reports whether they were there.
func (c *cursor) skip(n int64) bool {
	for n > 0 {
		step, err := c.r.Discard(int(min(n, 1<<30)))
		c.off += int64(step)
		n -= int64(step)
		if err != nil {
			c.note(err)
			return false
		}
	}
	return true
}

func (c *cursor) note(err error) {
	if err != nil && !errors.Is(err, io.EOF) && c.err == nil {
		c.err = err
	}
}

// ended reports whether nothing follows.
func (c *cursor) ended() bool { return len(c.peek(1)) == 0 }

// Read implements io.Reader, for a part of the file in a format of its own.
func (c *cursor) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.off += int64(n)
	c.note(err)
	return n, err
}

// truncated, damaged and unverifiable are errors at the present place.
func (c *cursor) truncated(what string, args ...any) error { return c.fault(ErrTruncated, what, args) }

func (c *cursor) damaged(what string, args ...any) error { return c.fault(ErrDamaged, what, args) }

func (c *cursor) unverifiable(what string, args ...any) error {
	return c.fault(ErrUnverifiable, what, args)
}

func (c *cursor) fault(kind error, what string, args []any) error {
	return fmt.Errorf("%w: %s, at byte %d", kind, fmt.Sprintf(what, args...), c.off)
}

// Bounds of what may stand behind the end of the audio, as package mp3 has them.
const (
	maxTrailing = 256      // bytes of a tag, or of nothing
	maxZeros    = 64 << 10 // zero bytes
)

// trailing passes what stands behind the end of the audio: a tag of ID3v1, padding.
func (c *cursor) trailing() error {
	for garbage, zeros := 0, 0; ; {
		b := c.peek(512)
		if len(b) == 0 {
			return nil
		}
		for _, v := range b {
			if v == 0 {
				zeros++
			} else {
				garbage++
			}
		}
		if garbage > maxTrailing || zeros > maxZeros {
			return c.damaged("something else after the end")
		}
		c.skip(int64(len(b)))
	}
}

// longest is beyond any recording: a play time above it is a mistake.
const longest = 1000 * time.Hour

// played is how long samples play; false where that is out of all proportion.
func played(samples, rate int64) (time.Duration, bool) {
	if rate <= 0 || samples < 0 || samples/rate >= int64(longest/time.Second) {
		return 0, false
	}
	return time.Duration(samples/rate)*time.Second + time.Duration(samples%rate)*time.Second/time.Duration(rate), true
}

// printable reports whether b may be the name of a chunk or a box.
func printable(b []byte) bool {
	for _, v := range b {
		if v < 0x20 || v > 0x7e && v != 0xa9 { // ©, in names of QuickTime
			return false
		}
	}
	return true
}
