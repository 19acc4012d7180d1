package audio

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"
)

// Ogg of RFC 3533, with Opus (RFC 7845), Vorbis I, Speex and FLAC in it.

// maxStreams is how many streams may be open at once: a recording has one.
const maxStreams = 16

// skeleton is a stream that says something about the others.
const skeleton = "skeleton"

// page is the header of an Ogg page, with the beginning of what is in it.
type page struct {
	first, last bool
	granule     int64 // -1: no packet ends on it
	serial      uint32
	number      uint32
	body        []byte
}

// stream is one logical stream.
type stream struct {
	next      uint32 // page
	codec     string
	rate, pre int64 // of a granule position, Hz; samples that are not played
	granule   int64
	sound     bool // pages after the first have ended packets
}

func ogg(c *cursor, res *Result) error {
	open := map[uint32]*stream{}
	var whole, link time.Duration // of the links of a chain before this one; the longest of this one
	sound, begun := false, false
	for ; ; begun = true {
		b := c.peek(27)
		if len(b) == 0 || len(open) == 0 && begun && (len(b) < 4 || string(b[:4]) != "OggS") {
			break
		}
		p, err := readPage(c)
		if err != nil {
			return err
		}
		s := open[p.serial]
		if p.first {
			if len(open) == 0 {
				whole, link = whole+link, 0
			}
			if s, err = begin(c, p, s != nil || len(open) == maxStreams); err != nil {
				return err
			}
			if open[p.serial] = s; s.codec != skeleton {
				res.Codec = s.codec
			}
		} else if s == nil {
			return c.damaged("a page of a stream that has not begun, or has ended")
		}
		if p.number != s.next {
			return c.damaged("page %d of a stream, where %d follows", p.number, s.next)
		}
		s.next++
		s.pass(p)
		if p.last {
			d, ok := played(max(s.granule-s.pre, 0), s.rate)
			if !ok || whole+d > longest {
				return c.damaged("a play time out of all proportion")
			}
			link, sound = max(link, d), sound || s.sound
			delete(open, p.serial)
		}
	}
	switch {
	case len(open) > 0:
		return c.truncated("a stream without its last page")
	case !sound:
		return c.truncated("there is no sound behind the headers")
	}
	res.Duration = whole + link
	return c.trailing()
}

// pass takes a page's part in a stream.
func (s *stream) pass(p page) {
	if p.granule > 0 && s.codec != skeleton {
		s.granule = max(s.granule, p.granule)
		s.sound = s.sound || !p.first
	}
}

// readPage reads a page whole and compares its checksum.
func readPage(c *cursor) (page, error) {
	h := c.peek(27)
	switch {
	case len(h) >= 4 && string(h[:4]) != "OggS":
		return page{}, c.damaged("something else than a page")
	case len(h) < 27:
		return page{}, c.truncated("a page's header")
	case h[4] != 0 || h[5] > 7:
		return page{}, c.damaged("a page of another version")
	}
	head := 27 + int(h[26])
	h = c.peek(head)
	size := head
	for _, lacing := range h[27:] {
		size += int(lacing)
	}
	b := c.peek(size)
	if len(h) < head || len(b) < size {
		return page{}, c.truncated("a page")
	}
	if sum := oggSum(b); sum != binary.LittleEndian.Uint32(b[22:]) {
		return page{}, c.damaged("a page whose checksum is wrong")
	}
	p := page{
		first: b[5]&2 != 0, last: b[5]&4 != 0, granule: int64(binary.LittleEndian.Uint64(b[6:])),
		serial: binary.LittleEndian.Uint32(b[14:]), number: binary.LittleEndian.Uint32(b[18:]),
	}
	if p.first {
		p.body = bytes.Clone(b[head:min(size, head+64)])
	}
	c.skip(int64(size))
	return p, nil
}

// begin reads the first page of a stream.
func begin(c *cursor, p page, tooMany bool) (*stream, error) {
	b, s := p.body, &stream{next: p.number}
	is := func(magic string, length int) bool { return len(b) >= length && string(b[:len(magic)]) == magic }
	switch {
	case tooMany:
		return nil, c.damaged("a stream begins twice, or too many are open")
	case is("OpusHead", 19):
		s.codec, s.rate, s.pre = "opus", 48000, int64(binary.LittleEndian.Uint16(b[10:]))
	case is("\x01vorbis", 30):
		s.codec, s.rate = "vorbis", int64(binary.LittleEndian.Uint32(b[12:]))
	case is("Speex   ", 64):
		s.codec, s.rate = "speex", int64(binary.LittleEndian.Uint32(b[36:]))
	case is("\x7fFLAC", 51):
		s.codec, s.rate = "flac", int64(b[27])<<12|int64(b[28])<<4|int64(b[29])>>4
	case is("fishead", 7):
		s.codec, s.rate = skeleton, 1
	default:
		return nil, c.unverifiable("an Ogg stream with another codec")
	}
	if s.rate < 1 || s.rate > 1<<20 {
		return nil, c.damaged("%s at %d Hz", s.codec, s.rate)
	}
	return s, nil
}

// crcTable is of the polynomial 0x04c11db7, most significant bit first, for eight bytes
// at a time: hash/crc32 knows only those with the least significant first.
var crcTable = func() (t [8][256]uint32) {
	for i := range 256 {
		sum := uint32(i) << 24
		for range 8 {
			if sum&(1<<31) != 0 {
				sum = sum<<1 ^ 0x04c11db7
			} else {
				sum <<= 1
			}
		}
		t[0][i] = sum
	}
	for i := range 256 {
		for k := 1; k < 8; k++ {
			t[k][i] = t[k-1][i]<<8 ^ t[0][t[k-1][i]>>24]
		}
	}
	return t
}()

// oggSum is the checksum of a page, whose own four bytes count as zeros.
func oggSum(page []byte) uint32 {
	sum := crc(0, page[:22])
	sum = crc(sum, []byte{0, 0, 0, 0})
	return crc(sum, page[26:])
}

func crc(sum uint32, b []byte) uint32 {
	t := &crcTable
	for ; len(b) >= 8; b = b[8:] {
		x := sum ^ binary.BigEndian.Uint32(b)
		y := binary.BigEndian.Uint32(b[4:])
		sum = t[7][x>>24] ^ t[6][x>>16&0xff] ^ t[5][x>>8&0xff] ^ t[4][x&0xff] ^
			t[3][y>>24] ^ t[2][y>>16&0xff] ^ t[1][y>>8&0xff] ^ t[0][y&0xff]
	}
	for _, v := range b {
		sum = sum<<8 ^ t[0][byte(sum>>24)^v]
	}
	return sum & math.MaxUint32
}
