package audio

import (
	"encoding/binary"
	"io"
	"math"
	"time"

	"fonoteka/internal/mp3"
)

// RIFF WAVE as of Microsoft's Multimedia Programming Interface 1.0 and RFC 2361, and
// RF64 and BW64 of EBU Tech 3306 and ITU-R BS.2088, whose sizes are in a chunk ds64.

// isUnsized reports whether a size is one that an encoder writes which cannot go back to
// it, as its output is a pipe: FFmpeg's, or those of SoX and LAME near 2 GiB.
func isUnsized(size int64) bool {
	return size == math.MaxUint32 || size >= math.MaxInt32-64<<10 && size <= math.MaxInt32+4<<10
}

// wave is a WAV that is read.
type wave struct {
	c      *cursor
	end    int64 // of RIFF in the file; -1: its header does not say it
	begin  int64
	long   bool // RF64
	ds64   int64
	format *waveFormat
	fact   int64 // samples of each channel, as the encoder counts them; 0: it does not
	data   int64 // bytes; -1: there were none yet
	open   bool  // the data chunk does not say its size
	length time.Duration
}

func wav(c *cursor, res *Result) error {
	w := &wave{c: c, begin: c.off, data: -1}
	if err := w.header(); err != nil {
		return err
	}
	for w.end < 0 || c.off < w.end {
		if w.end < 0 && w.data >= 0 && c.ended() {
			break
		}
		if err := w.chunk(); err != nil {
			return err
		}
	}
	switch {
	case w.format == nil || w.data < 0:
		return c.damaged("the RIFF ends without a format or without data")
	case w.data == 0:
		return c.truncated("the data chunk is empty")
	}
	res.Codec, res.Unsized = w.format.codec, w.open
	if err := w.playTime(); err != nil {
		return err
	}
	res.Duration = w.length
	return c.trailing()
}

func (w *wave) header() error {
	h := w.c.peek(12)
	switch {
	case len(h) >= 4 && string(h[:4]) == "RIFX":
		return w.c.unverifiable("big-endian WAV (RIFX)")
	case len(h) < 12:
		return w.c.truncated("the RIFF header")
	case string(h[8:12]) != "WAVE":
		return w.c.damaged("a RIFF of something else than WAVE")
	}
	w.long = string(h[:4]) != "RIFF"
	size := int64(binary.LittleEndian.Uint32(h[4:]))
	switch {
	case size == 0:
		return w.c.truncated("the RIFF has no size yet")
	case isUnsized(size):
		w.end = -1
	default:
		w.end = w.begin + 8 + size
	}
	w.c.skip(12)
	return nil
}

// chunk passes one chunk.
func (w *wave) chunk() error {
	c := w.c
	h := c.peek(8)
	if len(h) < 8 {
		return c.truncated("a chunk's header")
	}
	id, size := string(h[:4]), int64(binary.LittleEndian.Uint32(h[4:]))
	if !printable(h[:4]) {
		return c.damaged("a chunk without a name")
	}
	if id == "data" && size == math.MaxUint32 && w.long {
		size = w.ds64
	}
	if w.end >= 0 && c.off+8+size > w.end {
		return w.beyond(id, size)
	}
	c.skip(8)
	var err error
	switch {
	case id == "data" && w.data >= 0:
		return c.damaged("a second data chunk")
	case id == "data":
		return w.samples(size)
	case id == "fmt ":
		w.format, err = readWaveFormat(c, size)
	case id == "fact" && size >= 4:
		if b := c.peek(4); len(b) == 4 {
			w.fact = int64(binary.LittleEndian.Uint32(b))
		}
	case id == "ds64" && w.long:
		err = w.sizes(size)
	}
	if err != nil {
		return err
	}
	if !c.skip(size) {
		return c.truncated("the chunk %q", id)
	}
	w.pad(size)
	return nil
}

// beyond is a chunk that is larger than the RIFF that it is in: the one or the other is
// wrong, or the file is cut and both were larger.
func (w *wave) beyond(id string, size int64) error {
	at := w.c.off
	if !w.c.skip(8 + size) {
		return w.c.truncated("the chunk %q", id)
	}
	return w.c.damaged("the chunk %q at byte %d ends behind its RIFF", id, at)
}

// sizes reads ds64: of RIFF, of data.
func (w *wave) sizes(size int64) error {
	b := w.c.peek(16)
	if size < 24 || len(b) < 16 {
		return w.c.truncated("the chunk of sizes")
	}
	riff, data := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	if riff > 1<<48 || data > riff {
		return w.c.damaged("sizes out of all proportion")
	}
	w.end, w.ds64 = w.begin+8+int64(riff), int64(data)
	return nil
}

// pad passes the byte that makes a chunk's length even; some writers leave it out.
func (w *wave) pad(size int64) {
	if b := w.c.peek(1); size%2 == 1 && len(b) == 1 && b[0] == 0 {
		w.c.skip(1)
	}
}

// samples passes the data chunk.
func (w *wave) samples(size int64) error {
	c, f := w.c, w.format
	if f == nil {
		return c.damaged("data before their format")
	}
	begin := c.off
	var inner error
	if f.mpeg { // is walked, as its frames say more than the chunk's size
		var found mp3.Result
		found, inner = mp3.Scan(io.LimitReader(c, size))
		w.length = found.Duration
	}
	if !c.skip(size - (c.off - begin)) {
		if w.end >= 0 || !isUnsized(size) {
			return c.truncated("%d of %d bytes of data", c.off-begin, size)
		}
		w.open, size = true, c.off-begin
	}
	w.data = size
	switch {
	case inner != nil:
		return c.damaged("its MPEG audio: %v", inner)
	case !f.mpeg && size%f.align != 0:
		return c.damaged("the data are no whole blocks of %d bytes", f.align)
	}
	w.pad(size)
	return nil
}

// playTime is that of the data. What an encoder counts itself is believed only below
// what the blocks can hold: the last one may be filled up.
func (w *wave) playTime() error {
	if w.format.mpeg {
		return nil
	}
	samples := w.data / w.format.align * w.format.perBlock
	if w.format.perBlock > 1 && w.fact > 0 && w.fact < samples {
		samples = w.fact
	}
	var ok bool
	if w.length, ok = played(samples, w.format.rate); !ok {
		return w.c.damaged("a play time out of all proportion")
	}
	return nil
}
