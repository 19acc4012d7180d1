package audio

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"fonoteka/internal/mp3"
)

// maxText is how much text before the audio is passed.
const maxText = 4 << 10

// headSize is what is looked at to tell the format: the text, and some frames behind it.
const headSize = maxText + 16<<10

// Verify reads r to its end and says whether it is a whole file of sound. A nil error
// means that it is, as far as its format tells. Otherwise the error is one of this
// package's, or r's own; the Result then holds what was found so far.
func Verify(r io.Reader) (Result, error) {
	var first [4]byte
	n, err := io.ReadFull(r, first[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Result{}, fmt.Errorf("reading audio: %w", err)
	}
	r = io.MultiReader(bytes.NewReader(first[:n]), r)
	if isMPEG(first[:n]) { // the usual case, without another buffer
		return mpeg(r, first[:n])
	}
	c, giveBack := newCursor(r)
	defer giveBack()
	head := c.peek(headSize)
	format, at := recognise(head)
	res := Result{Format: format}
	if format != "" && isText(head[:at]) {
		res.TextBefore = int64(at)
	}
	switch check := checks[format]; {
	case format == "":
		res, err = mpeg(c, head)
	case check == nil:
		err = c.unverifiable("%s is not read here", format.Name())
	default:
		c.skip(int64(at))
		err = check(c, &res)
	}
	if c.err != nil {
		err = fmt.Errorf("reading audio at byte %d: %w", c.off, c.err)
	}
	return res, err
}

// checks walk a file of a format from its first byte to the end.
var checks = map[Format]func(*cursor, *Result) error{WAV: wav, Ogg: ogg, M4A: mp4, AAC: adts}

// isMPEG reports whether b begins as a frame of MPEG audio does.
func isMPEG(b []byte) bool { return len(b) > 1 && b[0] == 0xff && b[1]&0xe0 == 0xe0 && b[1]&0x06 != 0 }

// mpeg checks MPEG audio, and what is none of the others: it has no magic number but its
// frames. head is the beginning of r.
func mpeg(r io.Reader, head []byte) (Result, error) {
	var before [16]byte
	n, tagged := copy(before[:], head), id3(head) > 0
	found, err := mp3.Scan(r)
	switch {
	case errors.Is(err, mp3.ErrNotMP3) && tagged:
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	case errors.Is(err, mp3.ErrNotMP3):
		return Result{}, fmt.Errorf("%w: %w", ErrNotAudio, err)
	case errors.Is(err, mp3.ErrTruncated):
		err = fmt.Errorf("%w: %w", ErrTruncated, err)
	case errors.Is(err, mp3.ErrDamaged):
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	res := Result{Format: [...]Format{MP3, MP1, MP2, MP3}[found.Layer], Duration: found.Duration}
	if lead := found.Leading; lead > 0 && isText(before[:min(int64(n), lead)]) {
		res.TextBefore = lead
	}
	return res, err
}

// magics are what files of a format begin with; a question mark is any byte. The first
// ones are looked for behind text, too.
var magics = []struct {
	format Format
	bytes  string
}{
	{WAV, "RIFF????WAVE"},
	{WAV, "RF64????WAVE"},
	{WAV, "BW64????WAVE"},
	{Ogg, "OggS\x00"},
	{M4A, "\x00???ftyp"},
	{WAV, "RIFF"},
	{WAV, "RIFX"},
	{Ogg, "OggS"},
	{M4A, "????ftyp"},
	{M4A, "????moov"},
	{M4A, "????mdat"},
	{FLAC, "fLaC"},
	{AMR, "#!AMR"},
	{AIFF, "FORM????AIF"},
	{AU, ".snd"},
	{CAF, "caff"},
	{Matroska, "\x1a\x45\xdf\xa3"},
	{ASF, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"},
	{AAC, "ADIF"},
}

const behindText = 5

func magicOf(b []byte, known int) Format {
next:
	for _, m := range magics[:known] {
		for i := range len(m.bytes) {
			if i >= len(b) || m.bytes[i] != '?' && m.bytes[i] != b[i] {
				continue next
			}
		}
		return m.format
	}
	return ""
}

// recognise tells a format by its first bytes, and where in head it begins: at 0, or
// behind text or a tag. It is "" for MPEG audio and for everything else.
func recognise(head []byte) (format Format, at int) {
	if f := magicOf(head, len(magics)); f != "" {
		return f, 0
	}
	if isADTS(head) {
		return AAC, 0
	}
	if tag := id3(head); tag > 0 && tag < len(head) && isADTS(head[tag:]) {
		return AAC, tag
	}
	for at := 1; at < len(head) && at <= maxText && isText(head[at-1:at]); at++ {
		if f := magicOf(head[at:], behindText); f != "" {
			return f, at
		}
		if isADTS(head[at:]) {
			return AAC, at
		}
	}
	return "", 0
}

// isText reports whether b has no bytes that text has none of, in UTF-8 and in the
// encodings of one byte alike.
func isText(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' })
}

// id3 is the length of the ID3v2 tag at the start of b, 0 if there is none.
func id3(b []byte) int {
	if len(b) < 10 || string(b[:3]) != "ID3" || (b[6]|b[7]|b[8]|b[9])&0x80 != 0 {
		return 0
	}
	return 10 + (int(b[6])<<21 | int(b[7])<<14 | int(b[8])<<7 | int(b[9]))
}
