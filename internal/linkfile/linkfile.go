// Package linkfile reads links of recordings out of a table that another system
// exported: the operator's other API, a CRM, a spreadsheet.
//
// A row is either whole or a *Problem that names its line, its column and what
// is wrong, and never repeats the value: a table whose columns are shifted has
// telephone numbers where something else is expected. One bad row costs nothing
// but itself, an unclosed quote included. Rows are streamed; memory does not
// grow with the file.
//
// Fields are split by encoding/csv. Lines are cut here before it, because its
// reader takes everything after an unclosed quote for one field. The encoding is
// decided line by line: what is not UTF-8 is read as windows-1251 by
// golang.org/x/text, the standard library having no such table. Deciding once
// per file was rejected: exports are glued together.
package linkfile

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Columns that are understood; url must be there, and order does not matter.
var Columns = []string{"url", "call_id", "account_id", "recorded_at", "integration"}

// Row is one recording of the table.
type Row struct {
	Line        int // where it begins, from 1
	Link        string
	CallID      string // the operator's, with its leg suffix or without; empty: not known
	AccountID   string
	RecordedAt  time.Time // zero: not known
	Integration string
}

// Problem tells why a line was not taken. It holds no value of the line.
type Problem struct {
	Line   int
	Column string // empty: the line as a whole
	What   string
}

func (p *Problem) Error() string {
	if p.Column == "" {
		return fmt.Sprintf("line %d: %s", p.Line, p.What)
	}
	return fmt.Sprintf("line %d, column %s: %s", p.Line, p.Column, p.What)
}

// Options of a Reader. Zones is required.
type Options struct {
	// Zones holds the known integrations, each with the zone of a recorded_at
	// that names none.
	Zones map[string]*time.Location
	// Integration of rows that name none. Empty: the only one of Zones.
	Integration string
	// Headers are the table's own names of our columns, where they differ.
	Headers map[string]string
	Now     time.Time // default time.Now
}

func (o *Options) validate() error {
	if len(o.Zones) == 0 {
		return errors.New("no integration is known")
	}
	if o.Integration == "" && len(o.Zones) == 1 {
		for name := range o.Zones {
			o.Integration = name
		}
	}
	if _, ok := o.Zones[o.Integration]; o.Integration != "" && !ok {
		return fmt.Errorf("the integration %q is not configured", o.Integration)
	}
	for ours := range o.Headers {
		if !slices.Contains(Columns, ours) {
			return fmt.Errorf("%q is none of our columns: %s", ours, strings.Join(Columns, ", "))
		}
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	return nil
}

// Reader reads a table. It is for one goroutine.
type Reader struct {
	o      Options
	lines  *lines
	sep    rune
	place  map[string]int // of our columns
	fields int            // of the header
}

// NewReader reads the header. The separator – comma, semicolon or tab – is the
// one the header holds most of; a first line "sep=;" says it.
func NewReader(r io.Reader, o Options) (*Reader, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	t := &Reader{o: o, lines: newLines(r), place: map[string]int{}}
	first, err := t.lines.next()
	if err == nil && strings.HasPrefix(first.text, "sep=") && len(first.text) == 5 {
		t.sep = rune(first.text[4])
		first, err = t.lines.next()
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty")
	case err != nil:
		return nil, err
	}
	return t, t.header(first)
}

func (t *Reader) header(l line) error {
	if t.sep == 0 {
		t.sep = ','
		for _, sep := range ";\t" {
			if strings.Count(l.text, string(sep)) > strings.Count(l.text, string(t.sep)) {
				t.sep = sep
			}
		}
	}
	names, err := split(l.text, t.sep)
	if err != nil {
		return fmt.Errorf("the header (line %d) cannot be read: %s", l.number, why(err))
	}
	t.fields = len(names)
	for i, name := range names {
		for _, ours := range Columns {
			theirs := ours
			if s := t.o.Headers[ours]; s != "" {
				theirs = s
			}
			if !strings.EqualFold(strings.TrimSpace(name), theirs) {
				continue
			}
			if _, twice := t.place[ours]; twice {
				return fmt.Errorf("the header (line %d) has two columns %q", l.number, theirs)
			}
			t.place[ours] = i
		}
	}
	for _, ours := range slices.Sorted(maps.Keys(t.o.Headers)) {
		if _, ok := t.place[ours]; !ok {
			return fmt.Errorf("the header (line %d) has no column %q", l.number, t.o.Headers[ours])
		}
	}
	if _, ok := t.place["url"]; !ok {
		return fmt.Errorf("the header (line %d, %d columns) has no column url", l.number, len(names))
	}
	if _, ok := t.place["integration"]; !ok && t.o.Integration == "" {
		return errors.New("there are several integrations: the table needs a column integration")
	}
	return nil
}

// Next returns the next row. A *Problem is one line's, and reading goes on
// after it; io.EOF is the end, any other error is final.
func (t *Reader) Next() (Row, error) {
	l, err := t.lines.next()
	for ; err == nil && strings.Trim(l.text, " \t,;") == ""; l, err = t.lines.next() {
		// An empty line, or one of empty cells, as spreadsheets leave them.
	}
	if err != nil {
		return Row{}, err
	}
	fields, err := t.record(l)
	if err != nil {
		return Row{}, &Problem{Line: l.number, What: why(err)}
	}
	if len(fields) != t.fields {
		return Row{}, &Problem{Line: l.number, What: fmt.Sprintf("%d fields where the header has %d", len(fields), t.fields)}
	}
	return t.row(l.number, fields)
}
