// Package importfile reads tables that another system exported – the operator's other
// API, a CRM, a spreadsheet: any table (Table), and one with links of recordings (Reader).
//
// A row is either valid or a *Problem that names its line, its column and what
// is wrong, and never contains the value: a table whose columns are shifted has
// telephone numbers where something else is expected. A bad row, even one with an unclosed
// quotation mark, does not affect the others. Rows are streamed; memory does not
// grow with the file.
//
// The encoding is detected line by line: a line that is not UTF-8 is read as windows-1251
// by golang.org/x/text, as the standard library has no such table. Detecting it once
// per file was rejected: users concatenate exports.
package importfile

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Columns are the known columns; url is required, and the order does not matter.
var Columns = []string{"url", "call_id", "account_id", "recorded_at", "integration"}

// Row is one recording of the table.
type Row struct {
	Line        int // number of its first line, from 1
	Link        string
	CallID      string // the operator's, with its leg suffix or without; empty: not known
	AccountID   string
	RecordedAt  time.Time // zero: not known
	Integration string
}

// Problem says why a line was rejected. It contains no value of the line.
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
	// Zones are the known integrations, each with the time zone of a recorded_at
	// without one.
	Zones map[string]*time.Location
	// Integration of rows without one. Empty: the only one of Zones.
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

// Reader reads a table of links. It is for one goroutine.
type Reader struct {
	opts  Options
	table *Table
	index map[string]int // of our columns in the header
}

// NewReader reads the header.
func NewReader(r io.Reader, o Options) (*Reader, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	table, err := NewTable(r)
	if err != nil {
		return nil, err
	}
	t := &Reader{opts: o, table: table, index: map[string]int{}}
	return t, t.header(table.Header())
}

func (t *Reader) header(header Record) error {
	for i, name := range header.Fields {
		for _, ours := range Columns {
			theirs := ours
			if s := t.opts.Headers[ours]; s != "" {
				theirs = s
			}
			if !strings.EqualFold(strings.TrimSpace(name), theirs) {
				continue
			}
			if _, twice := t.index[ours]; twice {
				return fmt.Errorf("the header (line %d) has two columns %q", header.Line, theirs)
			}
			t.index[ours] = i
		}
	}
	for _, ours := range slices.Sorted(maps.Keys(t.opts.Headers)) {
		if _, ok := t.index[ours]; !ok {
			return fmt.Errorf("the header (line %d) has no column %q", header.Line, t.opts.Headers[ours])
		}
	}
	if _, ok := t.index["url"]; !ok {
		return fmt.Errorf("the header (line %d, %d columns) has no column url", header.Line, len(header.Fields))
	}
	if _, ok := t.index["integration"]; !ok && t.opts.Integration == "" {
		return fmt.Errorf("there are several integrations: the table needs a column integration, or name one of them (--integration): %s",
			strings.Join(slices.Sorted(maps.Keys(t.opts.Zones)), ", "))
	}
	return nil
}

// Next returns the next row. After a *Problem, which concerns one row, reading continues;
// io.EOF is the end, and any other error is final.
func (t *Reader) Next() (Row, error) {
	r, err := t.table.Next()
	if err != nil {
		return Row{}, err
	}
	if want := len(t.table.Header().Fields); len(r.Fields) != want {
		return Row{}, &Problem{Line: r.Line, What: fmt.Sprintf("%d fields where the header has %d", len(r.Fields), want)}
	}
	return t.row(r.Line, r.Fields)
}
