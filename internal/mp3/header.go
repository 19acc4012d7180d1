package mp3

import "encoding/binary"

// header is what one frame header says. ISO/IEC 11172-3 and 13818-3; MPEG-2.5
// is the unofficial extension with the version bits 00, of Layer III alone.
type header struct {
	layer   int  // 1, 2 or 3
	lsf     bool // MPEG-2 and 2.5: half the samples per frame
	rate    int  // Hz
	mono    bool
	bitrate int  // bit/s; of a frame in free format as its length makes it
	length  int  // bytes, header included
	padding int  // of them
	crc     bool // a 16-bit checksum follows the header
}

// kbps by layer and bitrate index; 0 is the free format, whose length is not in the
// header.
var (
	kbpsMPEG1 = [4][16]int{
		1: {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0},
		2: {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0},
		3: {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0},
	}
	kbpsMPEG2 = [4][16]int{
		1: {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0},
		2: {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},
		3: {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},
	}
	rates = [4]int{44100, 48000, 32000, 0}
)

// maxFrame is the longest frame whose length is in its header: MPEG-1 Layer II at
// 384 kbit/s and 32 kHz, padded.
const maxFrame = 144*384000/32000 + 1

// parseHeader reads a header that says its frame's length.
func parseHeader(b []byte) (h header, ok bool) {
	h, ok = parseAny(b)
	return h, ok && h.bitrate != 0
}

// parseAny reads any header; one in free format has no bitrate and no length.
func parseAny(b []byte) (h header, ok bool) {
	if len(b) < 4 || b[0] != 0xff || b[1]&0xe0 != 0xe0 {
		return header{}, false
	}
	v := binary.BigEndian.Uint32(b)
	h.layer = 4 - int(v>>17&3)
	h.rate = rates[v>>10&3]
	index := v >> 12 & 15
	if h.layer == 4 || h.rate == 0 || index == 15 {
		return header{}, false
	}
	switch v >> 19 & 3 {
	case 0: // MPEG-2.5
		if h.layer != 3 {
			return header{}, false
		}
		h.lsf, h.rate, h.bitrate = true, h.rate/4, kbpsMPEG2[3][index]*1000
	case 2: // MPEG-2
		h.lsf, h.rate, h.bitrate = true, h.rate/2, kbpsMPEG2[h.layer][index]*1000
	case 3:
		h.bitrate = kbpsMPEG1[h.layer][index] * 1000
	default:
		return header{}, false
	}
	h.mono = v>>6&3 == 3
	h.crc = v>>16&1 == 0
	h.padding = h.slot() * int(v>>9&1)
	if h.layer == 1 {
		h.length = 12*h.bitrate/h.rate*4 + h.padding
	} else {
		h.length = h.samples()/8*h.bitrate/h.rate + h.padding
	}
	return h, true
}

// slot is the unit that frames are as long as, bytes.
func (h header) slot() int {
	if h.layer == 1 {
		return 4
	}
	return 1
}

// samples per frame.
func (h header) samples() int {
	switch {
	case h.layer == 1:
		return 384
	case h.layer == 3 && h.lsf:
		return 576
	}
	return 1152
}

// same reports whether two frames are of one layer, version and sample rate; bitrate and
// channel mode may change from one to the next.
func (h header) same(o header) bool { return h.rate == o.rate && h.lsf == o.lsf && h.layer == o.layer }

// count is what an encoder says of its stream; 0: nothing.
type count struct {
	frames int64
	bytes  int64 // with the frame that says so
}

// frameCount reads the Xing, Info or VBRI header that an encoder may put into
// the first frame. found without a count is possible: the count is optional.
func (h header) frameCount(frame []byte) (c count, found bool) {
	if h.layer != 3 {
		return count{}, false
	}
	side := 32 // bytes of side information after the header
	switch {
	case h.lsf && h.mono:
		side = 9
	case h.lsf || h.mono:
		side = 17
	}
	at := 4 + side
	for _, at := range []int{at, at + 2} { // with and without the checksum
		if at+12 > len(frame) || !h.crc && at != 4+side {
			continue
		}
		if tag := string(frame[at : at+4]); tag != "Xing" && tag != "Info" {
			continue
		}
		flags, rest := binary.BigEndian.Uint32(frame[at+4:]), frame[at+8:]
		if flags&1 == 0 {
			return count{}, true
		}
		c.frames = int64(binary.BigEndian.Uint32(rest))
		if flags&2 != 0 && len(rest) >= 8 {
			c.bytes = int64(binary.BigEndian.Uint32(rest[4:]))
		}
		return c, true
	}
	if len(frame) >= 36+18 && string(frame[36:40]) == "VBRI" {
		return count{frames: int64(binary.BigEndian.Uint32(frame[36+14:])), bytes: int64(binary.BigEndian.Uint32(frame[36+10:]))}, true
	}
	return count{}, false
}
