package mp3

import (
	"errors"
	"io"
	"sync"
)

// window is a read buffer that can look ahead. Its memory is fixed: whatever
// a file says about its own sizes, nothing is allocated by it.
type window struct {
	r    io.Reader
	buf  []byte
	lo   int
	hi   int
	off  int64 // offset of buf[lo] in the file
	eof  bool
	fail error // a read error other than the end
}

const windowSize = 64 << 10

var windowBuffers = sync.Pool{New: func() any { return new([windowSize]byte) }}

// newWindow begins to read r. What it returns besides gives the memory back.
func newWindow(r io.Reader) (_ *window, giveBack func()) {
	buf := windowBuffers.Get().(*[windowSize]byte)
	return &window{r: r, buf: buf[:]}, func() { windowBuffers.Put(buf) }
}

// peek returns up to n bytes from here on, fewer only at the end or after a
// failed read. n is at most half the buffer.
func (w *window) peek(n int) []byte {
	if w.hi-w.lo < n && !w.eof {
		w.fill(n)
	}
	return w.buf[w.lo:min(w.lo+n, w.hi)]
}

func (w *window) fill(n int) {
	copy(w.buf, w.buf[w.lo:w.hi])
	w.lo, w.hi = 0, w.hi-w.lo
	for empty := 0; w.hi < n && !w.eof; {
		m, err := w.r.Read(w.buf[w.hi:])
		w.hi += m
		if m == 0 && err == nil {
			if empty++; empty == 100 {
				err = io.ErrNoProgress
			}
		}
		if err != nil {
			w.eof = true
			if !errors.Is(err, io.EOF) {
				w.fail = err
			}
		}
	}
}

// skip passes n bytes and reports how many there were.
func (w *window) skip(n int64) (skipped int64) {
	for skipped < n {
		if w.lo == w.hi && len(w.peek(1)) == 0 {
			break
		}
		step := int(min(n-skipped, int64(w.hi-w.lo)))
		w.lo += step
		skipped += int64(step)
	}
	w.off += skipped
	return skipped
}
