package importfile

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
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

var (
	errLong   = errors.New("the line is longer than 64 KiB")
	errQuotes = errors.New("a quotation mark is opened and not closed, or stands within a field")
)

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

// record splits a line into fields. While a quote is open the record continues in
// the next line; where it is never closed, only the first line is rejected.
func (t *Reader) record(l line) ([]string, error) {
	if l.err != nil {
		return nil, l.err
	}
	if strings.Count(l.text, `"`)%2 == 0 {
		return split(l.text, t.sep)
	}
	text := l.text
	var ahead []line
	for len(ahead) < maxRows && len(text) < maxLine {
		more, err := t.lines.next()
		if err != nil {
			break // the next read returns the error again
		}
		ahead = append(ahead, more)
		text += "\n" + more.text
		if strings.Count(more.text, `"`)%2 == 0 {
			continue
		}
		if fields, err := split(text, t.sep); err == nil && len(fields) == t.fields {
			return fields, nil
		}
		break
	}
	t.lines.back = append(ahead, t.lines.back...)
	return nil, errQuotes
}

func split(text string, sep rune) ([]string, error) {
	if !strings.Contains(text, `"`) {
		return strings.Split(text, string(sep)), nil
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = sep
	return r.Read()
}

// csvProblem is the text of an error of encoding/csv, without its line numbers.
func csvProblem(err error) string {
	if _, ok := errors.AsType[*csv.ParseError](err); ok {
		err = errQuotes
	}
	return err.Error()
}

// maxText is the longest file that ReadText reads, in decoded bytes.
const maxText = 16 << 20

// ReadText reads a small file as UTF-8, decoded as the lines of a table
// are; a file of limit lines or more, or of more than maxText bytes, is an error.
func ReadText(r io.Reader, limit int) (string, error) {
	var b strings.Builder
	lines := newLines(r)
	for range limit {
		l, err := lines.next()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err = errors.Join(err, l.err); err != nil {
			return "", err
		}
		if b.Len()+len(l.text) >= maxText {
			break
		}
		b.WriteString(l.text)
		b.WriteByte('\n')
	}
	return "", fmt.Errorf("the file is too long: it has %d lines or more, or more than %d MiB", limit, maxText>>20)
}
