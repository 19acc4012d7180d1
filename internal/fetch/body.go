package fetch

import (
	"errors"
	"fmt"
	"hash"
	"io"
	"math/bits"
	"os"
	"sync"

	"fonoteka/internal/call"
)

const (
	tempPattern   = "fonoteka-download-*"
	maxClass      = 22            // of a buffer: its size is 1<<class
	memoryPerBody = 1 << maxClass // 4 MiB
	readSize      = 64 << 10
)

// Body is a downloaded file, in memory or in a temporary file.
type Body struct {
	Size        int64
	SHA256      string // lower-case hex
	Host        string // that it came from, after redirects
	ContentType string // as it came: for the reason only, never trusted
	// Unmeasured is set where the server neither said the length nor marked the
	// end: the file may be cut without a trace but in its own frames.
	Unmeasured bool
	Proxied    bool // a proxy says (203) that it has changed the file
	Resumed    int  // times the transfer was taken up again

	mu      sync.RWMutex // an HTTP client may still read while its request has failed already
	closed  bool
	mem     []byte
	file    *os.File
	release func()
}

// ReadAt reads the body anywhere, also from several goroutines.
func (b *Body) ReadAt(p []byte, off int64) (int, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		return 0, os.ErrClosed
	}
	if b.file != nil {
		return b.file.ReadAt(p, off)
	}
	if off < 0 || off >= int64(len(b.mem)) {
		return 0, io.EOF
	}
	n := copy(p, b.mem[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Close gives memory or file back. It waits for reads that are under way;
// later ones fail, so that memory in its next use is never read as this body.
func (b *Body) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.file != nil {
		b.file.Close()
	}
	if b.release != nil {
		b.release()
	}
	b.mem, b.file, b.release = nil, nil, nil
}

// readBuffers are shared by all downloads of the process.
var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// bodyBuffers keeps bodies' buffers for the next ones. A buffer has a power of two
// as its size, from readSize to memoryPerBody. Fresh ones of 300 KB each kept a
// sixth of the time clearing memory; a sync.Pool lost most of them to the garbage
// collection that they themselves brought on.
type bodyBuffers struct {
	mu   sync.Mutex
	free [maxClass + 1][][]byte
	kept int // bytes
}

// maxKept bounds what is kept for bodies to come; what is more is garbage.
const maxKept = 12 << 20

// get returns a buffer of at least n bytes and what gives it back.
func (b *bodyBuffers) get(n int64) (buf []byte, giveBack func()) {
	class := bits.Len(uint(max(n, readSize) - 1))
	b.mu.Lock()
	defer b.mu.Unlock()
	if last := len(b.free[class]) - 1; last >= 0 {
		buf, b.free[class][last] = b.free[class][last], nil
		b.free[class] = b.free[class][:last]
		b.kept -= cap(buf)
	} else {
		buf = make([]byte, 0, 1<<class)
	}
	return buf, func() { b.put(class, buf) }
}

func (b *bodyBuffers) put(class int, buf []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept+cap(buf) <= maxKept {
		b.free[class] = append(b.free[class], buf)
		b.kept += cap(buf)
	}
}

// brokenOff says how a transfer ended before its end. whole is the file's
// length, less than 0 where the server did not say it.
func brokenOff(host string, got, whole int64, cause error) *Failure {
	f := call.Failure{Code: call.CodeCut, Host: host, GotBytes: got, WantBytes: max(whole, 0)}
	switch {
	case errors.Is(cause, errStalled):
		f.Code = call.CodeStalled
	case errors.Is(cause, errTooSlow):
		f.Code = call.CodeTooSlow
	}
	return failure(f)
}

func tooLarge(host string, limit int64) *Failure {
	return failure(call.Failure{Code: call.CodeTooLarge, Host: host, WantBytes: limit})
}

// writer fills a Body: memory first, then a file.
type writer struct {
	f    *Fetcher
	hash hash.Hash
	body *Body
}

// reserve takes memory for what is announced, or for as much as a body may
// have. Where none is left, the body goes to a file from its first byte:
// waiting for memory would hold the server's connection.
func (w *writer) reserve(length int64) {
	if length < 0 {
		length = memoryPerBody
	}
	if length > memoryPerBody {
		return
	}
	charge := int64(1) << bits.Len(uint(max(length, readSize)-1))
	if !w.f.memory.TryAcquire(charge) {
		return
	}
	mem, giveBack := w.f.buffers.get(length)
	w.body.mem = mem
	w.body.release = func() {
		giveBack()
		w.f.memory.Release(charge)
	}
}

// space is where the next bytes are read to: their place in the body's memory, or
// other where there is none.
func (w *writer) space(other []byte) []byte {
	mem := w.body.mem
	if w.body.file != nil || len(mem) == cap(mem) {
		return other
	}
	return mem[len(mem):min(cap(mem), len(mem)+readSize)]
}

// write takes p, the first bytes of what space returned.
func (w *writer) write(p []byte) error {
	w.hash.Write(p)
	w.body.Size += int64(len(p))
	if w.body.file == nil && w.body.Size <= int64(cap(w.body.mem)) {
		w.body.mem = w.body.mem[:w.body.Size] // p lies there already
		return nil
	}
	if w.body.file == nil {
		if err := w.spill(); err != nil {
			return err
		}
	}
	if _, err := w.body.file.Write(p); err != nil {
		return fmt.Errorf("writing a download to a temporary file: %w", err)
	}
	return nil
}

// spill moves the body from memory to a file, which loses its name at once:
// whatever ends the process, the disk gets its space back.
func (w *writer) spill() error {
	file, err := os.CreateTemp(w.f.opts.TempDir, tempPattern)
	if err != nil {
		return fmt.Errorf("making a temporary file for a download: %w", err)
	}
	os.Remove(file.Name()) // if this fails, the next start removes it
	if _, err = file.Write(w.body.mem); err != nil {
		file.Close()
		return fmt.Errorf("writing a download to a temporary file: %w", err)
	}
	if w.body.release != nil {
		w.body.release()
	}
	w.body.mem, w.body.file, w.body.release = nil, file, nil
	return nil
}

// restart forgets what came so far: the file is another one now.
func (w *writer) restart() error {
	w.hash.Reset()
	w.body.Size = 0
	w.body.mem = w.body.mem[:0]
	if w.body.file == nil {
		return nil
	}
	if err := w.body.file.Truncate(0); err != nil {
		return fmt.Errorf("emptying the temporary file of a download: %w", err)
	}
	if _, err := w.body.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("emptying the temporary file of a download: %w", err)
	}
	return nil
}
