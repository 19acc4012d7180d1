package importfile

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Table reads a table that a spreadsheet or a program saved: fields separated by comma,
// semicolon or tab, in UTF-8, UTF-16 or windows-1251. A first line such as "sep=;"
// states the separator; else it is the one that occurs most often in the first record,
// outside quotation marks. ="0012", by which programs keep a spreadsheet from making a
// number of a text, is the text between the quotation marks. It is for one goroutine.
type Table struct {
	lines  *lines
	sep    rune
	header Record
}

// Record is one line of a table, or several where a field holds line breaks.
type Record struct {
	Line   int // number of its first line, from 1
	Fields []string
}

// NewTable reads the first record, which has the names of the columns in most files.
func NewTable(r io.Reader) (*Table, error) {
	t := &Table{lines: newLines(r)}
	first, err := t.lines.next()
	if err == nil && first.err == nil {
		if sep, ok := statedSeparator(first.text); ok {
			t.sep = sep
			first, err = t.lines.next()
		}
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty")
	case err != nil:
		return nil, err
	}
	if t.sep == 0 {
		t.sep = guessedSeparator(first.text)
	}
	fields, err := t.record(first, 0)
	if err != nil {
		return nil, fmt.Errorf("the header (line %d) cannot be read: %w", first.number, err)
	}
	t.header = Record{Line: first.number, Fields: fields}
	return t, nil
}

// Header is the first record.
func (t *Table) Header() Record { return t.header }

// Next returns the next record that is not empty. After a *Problem, which concerns one
// line, reading continues; io.EOF is the end, and any other error is final.
func (t *Table) Next() (Record, error) {
	l, err := t.lines.next()
	for ; err == nil && strings.Trim(l.text, " \t,;"+string(t.sep)) == ""; l, err = t.lines.next() {
		// An empty line, or one of empty cells, as spreadsheets leave them.
	}
	if err != nil {
		return Record{}, err
	}
	fields, err := t.record(l, len(t.header.Fields))
	if err != nil {
		return Record{}, &Problem{Line: l.number, What: err.Error()}
	}
	return Record{Line: l.number, Fields: fields}, nil
}

// record splits a line into fields. While a quotation mark is open the record continues
// in the next line, if it has want fields then (0: however many); where it is never
// closed, only the first line is rejected.
func (t *Table) record(l line, want int) ([]string, error) {
	if l.err != nil {
		return nil, l.err
	}
	fields, err := split(l.text, t.sep)
	if !errors.Is(err, errUnclosed) {
		return fields, err
	}
	text := l.text
	var ahead []line
	for len(ahead) < maxRows && len(text) < maxLine {
		more, readErr := t.lines.next()
		if readErr != nil {
			break // the next read returns the error again
		}
		ahead = append(ahead, more)
		if more.err != nil {
			break
		}
		text += "\n" + more.text
		if strings.Count(more.text, `"`)%2 == 0 {
			continue
		}
		if fields, err := split(text, t.sep); err == nil && (want == 0 || len(fields) == want) {
			return fields, nil
		}
		break
	}
	t.lines.back = append(ahead, t.lines.back...)
	return nil, err
}

// statedSeparator reads a first line such as sep=; which spreadsheets write and obey.
func statedSeparator(text string) (rune, bool) {
	text = strings.Trim(text, `"`)
	if len(text) != len("sep=")+1 || !strings.EqualFold(text[:len("sep=")], "sep=") {
		return 0, false
	}
	sep := text[len("sep=")]
	return rune(sep), sep != ' ' && sep < 0x80
}

func guessedSeparator(text string) rune {
	count := map[rune]int{}
	quoted := false
	for _, c := range text {
		if c == '"' {
			quoted = !quoted
		} else if !quoted {
			count[c]++
		}
	}
	best := ','
	for _, sep := range ";\t" {
		if count[sep] > count[best] {
			best = sep
		}
	}
	return best
}
