package audio

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// MP4 is the ISO base media file format, ISO/IEC 14496-12.

// box is a box's header.
type box struct {
	name string
	end  int64 // of it in the file; -1: it goes on to the end of the file
}

// movie is an MP4 that is read.
type movie struct {
	c       *cursor
	codecs  []string // of its sound
	foreign string   // a codec of its sound that is not known
	handler string   // of the track that is read
	length  time.Duration
	samples int64 // bytes of all tracks
	media   int64 // bytes of all mdat
	parts   bool  // it is in fragments
	open    bool  // the last box does not say its size
}

func mp4(c *cursor, res *Result) error {
	m := &movie{c: c}
	seen := map[string]bool{}
	for n := 0; !c.ended(); n++ {
		b, err := m.box(-1)
		if err != nil {
			return err
		}
		if n == 0 && b.name != "ftyp" {
			return c.damaged("it begins with the box %q", b.name)
		}
		if n > 0 && b.name == "ftyp" || b.name == "moov" && seen["moov"] {
			return c.damaged("a second box %q", b.name)
		}
		if b.name == "moov" || b.name == "mdat" {
			seen[b.name] = true
		}
		if err := m.top(b); err != nil {
			return err
		}
	}
	for _, name := range []string{"moov", "mdat"} {
		if !seen[name] {
			return c.truncated("there is no box %q", name)
		}
	}
	switch {
	case len(m.codecs) == 0 && m.foreign != "":
		return c.unverifiable("an MP4 with the codec %q", m.foreign)
	case len(m.codecs) == 0:
		return c.unverifiable("an MP4 without sound")
	case m.media == 0:
		return c.truncated("there is no sound behind the header")
	case !m.parts && m.samples > m.media:
		return c.truncated("%d bytes of samples of %d", m.media, m.samples)
	}
	res.Codec, res.Duration, res.Unsized = m.codecs[0], m.length, m.open && m.parts
	return nil
}

// box reads the header of a box that ends before limit; -1: before the end of the file.
func (m *movie) box(limit int64) (box, error) {
	c := m.c
	h := c.peek(16)
	if len(h) < 8 {
		return box{}, c.truncated("a box's header")
	}
	size, name, head := int64(binary.BigEndian.Uint32(h)), string(h[4:8]), int64(8)
	if !printable(h[4:8]) {
		return box{}, c.damaged("a box without a name")
	}
	if size == 1 {
		if len(h) < 16 {
			return box{}, c.truncated("a box's header")
		}
		long := binary.BigEndian.Uint64(h[8:])
		if long > 1<<48 {
			return box{}, c.damaged("the box %q is out of all proportion", name)
		}
		size, head = int64(long), 16
	}
	b := box{name, c.off + size}
	switch {
	case size == 0 && limit < 0:
		b.end = -1
	case size < head:
		return box{}, c.damaged("the box %q is smaller than its header", name)
	case limit >= 0 && b.end > limit:
		return box{}, c.damaged("the box %q is larger than what it is in", name)
	}
	c.skip(head)
	return b, nil
}

// top reads a box at the top.
func (m *movie) top(b box) error {
	c := m.c
	switch b.name {
	case "moov":
		if b.end < 0 {
			return c.damaged("the box %q does not say its size", b.name)
		}
		return m.inside(b, 0)
	case "moof":
		m.parts = true
	}
	begin := c.off
	if b.end < 0 {
		m.open = true
		for c.skip(bufferSize) {
		}
	} else if !c.skip(b.end - c.off) {
		return c.truncated("the box %q", b.name)
	}
	if b.name == "mdat" {
		m.media += c.off - begin
	}
	return nil
}

// containers are the boxes on the way to what is read.
var containers = []string{"moov", "trak", "mdia", "minf", "stbl"}

// inside reads what is in a container, which its boxes fill.
func (m *movie) inside(parent box, depth int) error {
	c := m.c
	for c.off < parent.end {
		b, err := m.box(parent.end)
		if err != nil {
			return err
		}
		if b.name == "trak" {
			m.handler = ""
		}
		if slices.Contains(containers[1:], b.name) && depth < len(containers) {
			err = m.inside(b, depth+1)
		} else {
			err = m.leaf(b)
		}
		if err != nil {
			return err
		}
		if !c.skip(b.end - c.off) {
			return c.truncated("the box %q", b.name)
		}
	}
	return nil
}

// leaf reads a box that holds no others.
func (m *movie) leaf(b box) error {
	body := m.c.peek(int(min(b.end-m.c.off, 40)))
	switch b.name {
	case "mvhd":
		return m.header(body)
	case "hdlr":
		if len(body) >= 12 {
			m.handler = string(body[8:12])
		}
	case "stsd":
		if m.handler == "soun" && len(body) >= 16 {
			m.codec(string(body[12:16]))
		}
	case "stsz":
		return m.sizes(b, body)
	}
	return nil
}

// header is mvhd: the time scale, and the duration in it, of which all ones say nothing.
func (m *movie) header(b []byte) error {
	var scale, length int64
	switch {
	case len(b) >= 32 && b[0] == 1:
		scale, length = int64(binary.BigEndian.Uint32(b[20:])), int64(binary.BigEndian.Uint64(b[24:])&math.MaxInt64)
		if length == math.MaxInt64 {
			length = 0
		}
	case len(b) >= 20 && b[0] == 0:
		scale, length = int64(binary.BigEndian.Uint32(b[12:])), int64(binary.BigEndian.Uint32(b[16:]))
		if length == math.MaxUint32 {
			length = 0
		}
	default:
		return m.c.truncated("the movie's header")
	}
	var ok bool
	if m.length, ok = played(length, scale); !ok {
		return m.c.damaged("a play time out of all proportion")
	}
	return nil
}

// sounds of MP4, by the name of their sample entry.
var mp4Codecs = map[string]string{
	"mp4a": "aac", "alac": "alac", "Opus": "opus", "fLaC": "flac", ".mp3": "mpeg", "samr": "amr", "sawb": "amr",
	"alaw": "alaw", "ulaw": "mulaw", "sowt": "pcm", "twos": "pcm", "lpcm": "pcm", "ipcm": "pcm", "ac-3": "ac3", "ec-3": "ac3",
}

func (m *movie) codec(entry string) {
	switch codec, ok := mp4Codecs[entry]; {
	case !ok:
		m.foreign = entry
	case len(m.codecs) < 8:
		m.codecs = append(m.codecs, codec)
	}
}

// sizes is stsz: the bytes of a track's samples, one size for all or one for each.
func (m *movie) sizes(b box, body []byte) error {
	c := m.c
	if len(body) < 12 {
		return c.truncated("the sizes of samples")
	}
	each, count := int64(binary.BigEndian.Uint32(body[4:])), int64(binary.BigEndian.Uint32(body[8:]))
	if each > 0 {
		return m.sample(each * min(count, 1<<48/each+1))
	}
	c.skip(12)
	if count > (b.end-c.off)/4 {
		return c.damaged("%d sizes of samples in %d bytes", count, b.end-c.off)
	}
	for count > 0 {
		p := c.peek(int(min(count, 1024)) * 4)
		n := int64(len(p) / 4)
		if n == 0 {
			return c.truncated("the sizes of samples")
		}
		for i := range n {
			if err := m.sample(int64(binary.BigEndian.Uint32(p[4*i:]))); err != nil {
				return err
			}
		}
		c.skip(4 * n)
		count -= n
	}
	return nil
}

// sample counts bytes of samples.
func (m *movie) sample(n int64) error {
	if m.samples += n; n > 1<<48 || m.samples > 1<<48 {
		return m.c.damaged("samples out of all proportion")
	}
	return nil
}
