package bagit

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// encodings of tag files that can be read, by their names of IANA in upper case. nil:
// UTF-8. The single bytes are those that were in use where bags come from, and in Russia;
// those of Asia are left out, since their tables are megabytes.
var encodings = map[string]encoding.Encoding{
	"UTF-8": nil, "UTF8": nil, "US-ASCII": nil, "ASCII": nil,
	"UTF-16":       unicode.UTF16(unicode.BigEndian, unicode.UseBOM), // RFC 2781, 4.3: big-endian without a mark
	"UTF-16BE":     unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"UTF-16LE":     unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"ISO-8859-1":   charmap.ISO8859_1,
	"ISO-8859-5":   charmap.ISO8859_5,
	"ISO-8859-15":  charmap.ISO8859_15,
	"WINDOWS-1251": charmap.Windows1251,
	"WINDOWS-1252": charmap.Windows1252,
	"KOI8-R":       charmap.KOI8R,
	"IBM866":       charmap.CodePage866,
}

// line of a tag file, decoded, without its end.
type line struct {
	text   string
	number int  // from 1
	plain  bool // it ends with LF, as a Writer ends it
	broken bool // it has bytes that are not of the encoding
}

var (
	errLineTooLong = errors.New("a line is longer than allowed")
	errTooLarge    = errors.New("the tag files are larger than allowed")
	utf8Mark       = "\xef\xbb\xbf"
)

// readLines gives each line of a tag file to fn. A line ends with LF, CR or CRLF; the
// last one may end with the file. mark: the file begins with a byte-order mark of UTF-8,
// which fn does not get. A line that is longer than max ends it with errLineTooLong.
func readLines(r io.Reader, enc encoding.Encoding, max int, fn func(line)) (mark bool, err error) {
	if enc != nil {
		r = enc.NewDecoder().Reader(r)
	}
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, min(max+2, 4096)), max+2)
	s.Split(splitLine)
	for n := 1; s.Scan(); n++ {
		text, plain := trimEnd(s.Text())
		if len(text) > max {
			return mark, errLineTooLong
		}
		if n == 1 && enc == nil && strings.HasPrefix(text, utf8Mark) {
			mark, text = true, text[len(utf8Mark):]
		}
		broken := !utf8.ValidString(text) || enc != nil && strings.ContainsRune(text, utf8.RuneError)
		fn(line{text: text, number: n, plain: plain, broken: broken})
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return mark, errLineTooLong
	}
	return mark, s.Err()
}

func trimEnd(s string) (text string, plain bool) {
	text = strings.TrimSuffix(s, "\n")
	if text != s && !strings.HasSuffix(text, "\r") {
		return text, true
	}
	return strings.TrimSuffix(text, "\r"), false
}

// splitLine is a bufio.SplitFunc that keeps the end of a line. A CR at the end of what
// is there waits for what follows: it may be half of a CRLF.
func splitLine(data []byte, atEOF bool) (advance int, token []byte, err error) {
	i := bytes.IndexAny(data, "\r\n")
	switch {
	case len(data) == 0:
		return 0, nil, nil
	case i < 0 && atEOF:
		return len(data), data, nil
	case i < 0:
		return 0, nil, nil
	case data[i] == '\n':
	case i+1 < len(data):
		if data[i+1] == '\n' {
			i++
		}
	case !atEOF:
		return 0, nil, nil
	}
	return i + 1, data[:i+1], nil
}

// metered ends a read with errTooLarge once the budget, which all tag files share, is
// used up.
type metered struct {
	r    io.Reader
	left *int64
}

func (m metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p[:min(int64(len(p)), *m.left+1)]) // one more tells the end from more than allowed
	if int64(n) > *m.left {
		n, err = int(*m.left), errTooLarge
	}
	*m.left -= int64(n)
	return n, err
}
