package mp3

// A frame in free format has a bitrate that no index stands for. It is the same in all
// frames of a stream (ISO/IEC 11172-3, 2.4.2.3), so that each frame is as long as the
// distance between the first two headers says, but for its padding.

// Bounds of a frame in free format without its padding, bytes: 640 kbit/s, the most that
// LAME makes, at 8 kHz; and a header with side information.
const (
	maxFree = 72 * 640000 / 8000
	minFree = 24
)

// header reads the header at b, of whatever kind the stream has.
func (s *scanner) header(b []byte) (header, bool) {
	h, ok := parseAny(b)
	if !ok || h.bitrate != 0 {
		return h, ok
	}
	return h.free(s.free)
}

// free is the header of a frame of that length without padding; false for none.
func (h header) free(length int) (header, bool) {
	if length == 0 {
		return header{}, false
	}
	h.length = length + h.padding
	h.bitrate = h.length * 8 * h.rate / h.samples()
	return h, true
}

// freeLength finds the length of the frames of a stream in free format that begins here:
// a header, and another at the same distance behind it, or the file's end or a tag.
// It is 0 where none does.
func (s *scanner) freeLength() int {
	first, ok := parseAny(s.w.peek(4))
	if !ok || first.bitrate != 0 {
		return 0
	}
	b := s.w.peek(3*(maxFree+4) + 4)
	for length := minFree; length <= maxFree && length+first.padding+4 <= len(b); length++ {
		if b[length+first.padding] == 0xff && isChain(b, first, length) {
			return length
		}
	}
	return 0
}

// isChain reports whether frames of that length follow each other at the start of b.
func isChain(b []byte, first header, length int) bool {
	at := 0
	for n := range 3 {
		h, ok := parseAny(b[at:])
		if !ok || h.bitrate != 0 || !h.same(first) || h.crc != first.crc {
			return n > 1 && isTag(b[at:])
		}
		if at += length + h.padding; at >= len(b) {
			return n > 0 && at == len(b)
		}
	}
	_, ok := parseAny(b[at:])
	return ok || len(b)-at < 4 || isTag(b[at:])
}
