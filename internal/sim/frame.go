package sim

// A recording is MPEG-2.5 Layer III, 8 kHz, mono, no CRC: 576 samples or 72 ms
// per frame. Every frame stands alone (main_data_begin 0). Its spectrum has
// only the values -1, 0 and 1 at one volume per frame, so that the second
// Huffman table for quadruples – whose code is the four bits themselves,
// inverted – is all the coding there is. That is enough for a buzz with the
// pitch and the vowels of a voice, and needs no filter bank and no tables.
//
// Field widths: ISO/IEC 13818-3 2.4.1.7 (side information of the lower
// sampling frequencies), tables: ISO/IEC 11172-3 annex B.

const (
	frameSamples = 576
	frameMillis  = frameSamples * 1000 / 8000
	frameMinimum = 72 // bytes at 8 kbit/s
	headerBytes  = 4
	sideBytes    = 9
	// mainBits leaves the last 8 bytes of the smallest frame to ancillary data.
	mainBits = (frameMinimum - headerBytes - sideBytes - 8) * 8
)

// bitrates in units of 8 kbit/s by their index in the header; frames are 72
// bytes per unit.
var bitrates = [...]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20}

func frameBytes(rate int) int { return frameMinimum * bitrates[rate] }

// bitWriter appends bits, the highest first.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) put(value uint32, bits int) {
	for i := bits - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(value>>i&1) << (7 - w.n%8)
		w.n++
	}
}

// newFrame codes a frame of 8 kbit/s whose spectrum is lines: -1, 0 or 1 for
// each of the lowest frequencies, 6.94 Hz apart. Lines beyond mainBits are
// left out. Its volume is set by setGain.
func newFrame(lines []int8) []byte {
	var data bitWriter
	for i := 0; i+4 <= len(lines); i += 4 {
		code, signs, n := uint32(15), uint32(0), 0
		for j, v := range lines[i : i+4] {
			if v == 0 {
				continue
			}
			code &^= 8 >> j
			signs, n = signs<<1, n+1
			if v < 0 {
				signs |= 1
			}
		}
		if data.n+4+n > mainBits {
			break
		}
		data.put(code, 4)
		data.put(signs, n)
	}
	var w bitWriter
	w.put(0xffe3_18c4, 32)     // sync, version 2.5, layer III, no CRC; 8 kbit/s, 8 kHz; mono, original
	w.put(0, 8+1)              // main_data_begin, private bit
	w.put(uint32(data.n), 12)  // part2_3_length
	w.put(0, 9+8+9+1+15+4+3+1) // big_values, global_gain, scalefac_compress, window switching, tables, regions, scalefac_scale
	w.put(1, 1)                // count1table_select
	frame := append(w.b, data.b...)
	return append(frame, make([]byte, frameMinimum-len(frame))...)
}

// setGain sets the volume of a frame: 210 is full scale for one line, 4 less
// are half of it.
func setGain(frame []byte, gain byte) {
	// global_gain begins at bit 30 of the side information.
	frame[headerBytes+3] = frame[headerBytes+3]&^3 | gain>>6
	frame[headerBytes+4] = gain<<2 | frame[headerBytes+4]&3
}

// setBitrate rewrites the header's bit rate; the caller provides the length.
func setBitrate(frame []byte, rate int) {
	frame[2] = byte(rate)<<4 | frame[2]&0xf
}
