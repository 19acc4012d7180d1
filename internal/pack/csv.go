package pack

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// byteOrderMark tells a spreadsheet that a CSV is UTF-8.
const byteOrderMark = "\ufeff"

// CSVWriter writes a table for spreadsheets: a byte-order mark, semicolons, CRLF. What a
// spreadsheet would take for a formula begins with an apostrophe, and so does what begins
// with one.
type CSVWriter struct {
	w *csv.Writer
}

// NewCSV begins a table with its header.
func NewCSV(w io.Writer, header []string) (*CSVWriter, error) {
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return nil, err
	}
	c := &CSVWriter{csv.NewWriter(w)}
	c.w.Comma, c.w.UseCRLF = ';', true
	return c, c.Write(header)
}

// Write writes a row.
func (c *CSVWriter) Write(cells []string) error {
	out := make([]string, len(cells))
	for i, cell := range cells {
		out[i] = Defuse(cell)
	}
	return c.w.Write(out)
}

// Flush ends the table.
func (c *CSVWriter) Flush() error {
	c.w.Flush()
	return c.w.Error()
}

// Defuse makes text of what a spreadsheet would compute. A line break becomes a space: in
// a cell it looks like a row of its own.
func Defuse(cell string) string {
	cell = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\x00", " ").Replace(cell)
	if cell != "" && strings.ContainsRune("=+-@\t'", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func fused(cell string) string { return strings.TrimPrefix(cell, "'") }

// readCSV gives each row behind the header, which must be this one, to fn.
func readCSV(r io.Reader, header []string, fn func([]string) error) error {
	b := bufio.NewReader(r)
	mark := make([]byte, len(byteOrderMark))
	if _, err := io.ReadFull(b, mark); err != nil || string(mark) != byteOrderMark {
		return errors.Join(fmt.Errorf("%w: it has no byte-order mark", ErrLine), otherThanEnd(err))
	}
	c := csv.NewReader(b)
	c.Comma, c.FieldsPerRecord, c.ReuseRecord = ';', len(header), true
	for number := 1; ; number++ {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) && number > 1 {
			return nil
		}
		if _, ok := errors.AsType[*csv.ParseError](err); ok || errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: row %d: %w", ErrLine, number, err)
		}
		if err != nil {
			return err
		}
		for i := range cells {
			cells[i] = fused(cells[i])
		}
		switch {
		case number > 1:
			err = fn(cells)
		case !slices.Equal(cells, header):
			err = errors.New("the header is another")
		}
		if err != nil {
			return fmt.Errorf("%w: row %d: %w", ErrLine, number, err)
		}
	}
}

func otherThanEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
