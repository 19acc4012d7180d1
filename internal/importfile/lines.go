package importfile

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

const (
	maxLine = 64 << 10 // bytes
	maxRows = 100      // lines of one record: a cell may hold line breaks
)

var errLong = errors.New("the line is longer than 64 KiB")

type line struct {
	number int
	text   string
	err    error // why the line cannot be used
}

// lines splits a file into lines and decodes them. Lines that were read ahead can be put
// back.
type lines struct {
	r      *bufio.Reader
	number int
	back   []line
}

// newLines reads the byte order mark, which UTF-16, a spreadsheet's "Unicode
// text", must have; that of UTF-8 is removed.
func newLines(r io.Reader) *lines {
	in := bufio.NewReaderSize(r, maxLine)
	switch mark, _ := in.Peek(3); {
	case len(mark) >= 2 && (mark[0] == 0xff && mark[1] == 0xfe || mark[0] == 0xfe && mark[1] == 0xff):
		utf16 := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
		in = bufio.NewReaderSize(utf16.Reader(in), maxLine)
	case string(mark) == "\xef\xbb\xbf":
		_, _ = in.Discard(3)
	}
	return &lines{r: in}
}

func (l *lines) next() (line, error) {
	if n := len(l.back); n > 0 {
		first := l.back[0]
		l.back = l.back[1:]
		return first, nil
	}
	raw, err := l.r.ReadSlice('\n')
	l.number++
	at := line{number: l.number}
	for errors.Is(err, bufio.ErrBufferFull) {
		at.err = errLong
		raw, err = l.r.ReadSlice('\n')
	}
	if err != nil && !(errors.Is(err, io.EOF) && (len(raw) > 0 || at.err != nil)) {
		return line{}, err
	}
	if at.err != nil {
		at.text = "?" // so that it does not count as empty
		return at, nil
	}
	if !utf8.Valid(raw) {
		if decoded, err := charmap.Windows1251.NewDecoder().Bytes(raw); err == nil {
			raw = decoded
		}
	}
	at.text = strings.TrimRight(string(raw), "\r\n")
	return at, nil
}
