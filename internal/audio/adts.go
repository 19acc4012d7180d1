package audio

// AAC in ADTS frames: ISO/IEC 13818-7 and 14496-3.

// adtsRates by the frame's index, Hz.
var adtsRates = [16]int64{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// adtsFrame is what a frame's header says.
type adtsFrame struct {
	fixed  uint32 // what is the same in all frames of a stream
	rate   int64
	length int
	blocks int64 // of 1024 samples
}

func readADTS(b []byte) (f adtsFrame, ok bool) {
	if len(b) < 7 || b[0] != 0xff || b[1]&0xf6 != 0xf0 {
		return f, false
	}
	f.fixed = uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]&0xf0)
	f.rate = adtsRates[b[2]>>2&15]
	f.length = int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5]>>5)
	f.blocks = int64(b[6]&3) + 1
	header := 7
	if b[1]&1 == 0 { // with a checksum
		header = 9
	}
	return f, f.rate > 0 && f.length > header
}

// isADTS reports whether frames begin here: three that follow each other, or fewer to the
// end of b. Two bytes that look like a header occur in any file.
func isADTS(b []byte) bool {
	first, ok := readADTS(b)
	if !ok {
		return false
	}
	for at, n := first.length, 1; ; n++ {
		if n == 3 || at == len(b) {
			return true
		}
		if at > len(b) {
			return n > 1
		}
		next, ok := readADTS(b[at:])
		if !ok || next.fixed != first.fixed {
			return n > 1 && len(b)-at < 7
		}
		at += next.length
	}
}

func adts(c *cursor, res *Result) error {
	if b := c.peek(4); string(b) == "ADIF" {
		return c.unverifiable("AAC in ADIF, which has no frames")
	}
	first, _ := readADTS(c.peek(7))
	res.Codec = "aac"
	samples := int64(0)
	for {
		b := c.peek(7)
		f, ok := readADTS(b)
		switch {
		case len(b) == 0:
		case len(b) < 7 && b[0] == 0xff:
			return c.truncated("a frame's header")
		case ok && f.fixed == first.fixed:
			if !c.skip(int64(f.length)) {
				return c.truncated("a frame")
			}
			samples += f.blocks * 1024
			continue
		case ok:
			return c.damaged("a frame of another kind")
		}
		break
	}
	duration, ok := played(samples, first.rate)
	if !ok {
		return c.damaged("a play time out of all proportion")
	}
	res.Duration = duration
	return c.trailing()
}
