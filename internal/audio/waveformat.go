package audio

import (
	"encoding/binary"
)

// Codecs by the format tag of RFC 2361.
const (
	tagPCM        = 0x0001
	tagMSADPCM    = 0x0002
	tagFloat      = 0x0003
	tagALaw       = 0x0006
	tagMuLaw      = 0x0007
	tagIMAADPCM   = 0x0011
	tagGSM        = 0x0031
	tagMPEG       = 0x0050
	tagMP3        = 0x0055
	tagExtensible = 0xfffe // the tag is in the first bytes of a GUID
)

// waveFormat is what the chunk "fmt " says.
type waveFormat struct {
	codec    string
	rate     int64 // Hz
	align    int64 // bytes of a block, of all channels
	perBlock int64 // samples of each channel in a block
	mpeg     bool  // frames of its own, which are no blocks
}

// guid is the rest of the GUID of a format that has a tag.
const guid = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"

// readWaveFormat reads the chunk at c, which stays there.
func readWaveFormat(c *cursor, size int64) (*waveFormat, error) {
	b := c.peek(int(min(size, 64)))
	if int64(len(b)) < min(size, 64) {
		return nil, c.truncated("the format chunk")
	}
	if size < 16 || size > 1<<16 {
		return nil, c.damaged("a format chunk of %d bytes", size)
	}
	tag := binary.LittleEndian.Uint16(b)
	channels, bits := int64(binary.LittleEndian.Uint16(b[2:])), int64(binary.LittleEndian.Uint16(b[14:]))
	rate, average := int64(binary.LittleEndian.Uint32(b[4:])), int64(binary.LittleEndian.Uint32(b[8:]))
	f := &waveFormat{rate: rate, align: int64(binary.LittleEndian.Uint16(b[12:])), perBlock: 1}
	if tag == tagExtensible {
		if len(b) < 40 || string(b[26:40]) != guid {
			return nil, c.unverifiable("a WAV with a codec of its own")
		}
		tag = binary.LittleEndian.Uint16(b[24:])
	}
	if channels < 1 || channels > 64 || rate < 1 || rate > 1<<20 {
		return nil, c.damaged("%d channels at %d Hz", channels, rate)
	}
	perBlock := int64(0)
	if len(b) >= 20 {
		perBlock = int64(binary.LittleEndian.Uint16(b[18:]))
	}
	var consistent bool
	switch tag {
	case tagPCM:
		f.codec = "pcm"
		consistent = bits >= 8 && bits <= 64 && bits%8 == 0 && f.align == channels*bits/8 && average == rate*f.align
	case tagFloat:
		f.codec = "float"
		consistent = (bits == 32 || bits == 64) && f.align == channels*bits/8 && average == rate*f.align
	case tagALaw, tagMuLaw:
		f.codec = map[uint16]string{tagALaw: "alaw", tagMuLaw: "mulaw"}[tag]
		consistent = f.align == channels && average == rate*f.align && (bits == 8 || bits == 0)
	case tagMSADPCM, tagIMAADPCM:
		f.codec, f.perBlock = "adpcm", perBlock
		consistent = f.align >= 4*channels && perBlock > 0 && perBlock <= 2*f.align+2
	case tagGSM:
		f.codec, f.perBlock = "gsm", 320 // two frames of 160 samples in 65 bytes
		consistent = f.align == 65 && channels == 1
	case tagMPEG, tagMP3:
		f.codec, f.mpeg = "mpeg", true
		consistent = true
	default:
		return nil, c.unverifiable("a WAV with the codec 0x%04x", tag)
	}
	if !consistent {
		return nil, c.damaged("a format chunk that contradicts itself: %s, %d channels of %d bits at %d Hz in blocks of %d bytes, %d bytes a second",
			f.codec, channels, bits, rate, f.align, average)
	}
	return f, nil
}
