package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// errReplaced says that the file is not the one that was read before, or is
// shorter than that was.
var errReplaced = errors.New("the audit file was cut off or replaced while it was read")

// reader follows the chain's file.
type reader struct {
	path string
	at   int64       // bytes read
	line int         // lines read
	file os.FileInfo // that they were read from; nil: none yet
}

// badLine is a line that is not the encoding of an entry.
type badLine struct {
	line int // from 1
	err  error
}

func (t *Trail) reader() *reader { return &reader{path: filepath.Join(t.dir, chainFile)} }

// next reads at most n rows that it has not read yet, and the lines with errors; a line
// with an error that can still be read also gives a row.
// Both are empty at the end, and where there is no file. A half-written line that a crash
// left at the end is not read. After errReplaced a new reader is needed.
func (r *reader) next(n int) (rows []Row, bad []badLine, err error) {
	f, err := r.open()
	if f == nil || err != nil {
		return nil, nil, err
	}
	defer f.Close()
	b := bufio.NewReaderSize(f, maxLine)
	for len(rows)+len(bad) < n {
		line, size, err := nextLine(b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, errTooLong) {
			return rows, bad, fmt.Errorf("read the audit file: %w", err)
		}
		r.at += size
		r.line++
		row, ok := Row{}, false
		if err == nil {
			row, ok, err = decode(line)
		}
		if err != nil {
			bad = append(bad, badLine{r.line, err})
		}
		if ok {
			rows = append(rows, row)
		}
	}
	return rows, bad, nil
}

// Each calls each for every entry of the file that can be read, in order, until it returns
// an error.
func (t *Trail) Each(each func(Row) error) error {
	for r := t.reader(); ; {
		rows, bad, err := r.next(batch)
		if err != nil || len(rows)+len(bad) == 0 {
			return err
		}
		for _, row := range rows {
			if err := each(row); err != nil {
				return err
			}
		}
	}
}

// open opens the file at the position of the reader; nil if there is none, and nothing was
// read before.
func (r *reader) open() (*os.File, error) {
	f, err := os.Open(r.path)
	if errors.Is(err, os.ErrNotExist) {
		if r.at > 0 {
			return nil, errReplaced
		}
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the audit file: %w", err)
	}
	info, err := f.Stat()
	if err == nil && r.at > 0 && (info.Size() < r.at || !os.SameFile(info, r.file)) {
		err = errReplaced
	}
	if err == nil {
		r.file = info
		_, err = f.Seek(r.at, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("read the audit file: %w", err)
	}
	return f, nil
}

// nextLine reads a line without its end, and says how many bytes it has with it.
// io.EOF where no whole line is left; errTooLong where it is too long for an entry.
func nextLine(b *bufio.Reader) (line []byte, size int64, err error) {
	line, err = b.ReadSlice('\n')
	size = int64(len(line))
	if !errors.Is(err, bufio.ErrBufferFull) {
		return bytes.TrimSuffix(line, []byte("\n")), size, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = b.ReadSlice('\n')
		size += int64(len(line))
	}
	if err == nil {
		err = errTooLong
	}
	return nil, size, err
}
