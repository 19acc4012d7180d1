package audit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// reader follows the chain's file.
type reader struct {
	path string
	at   int64 // bytes read
	line int   // lines read
}

func (t *Trail) reader() *reader { return &reader{path: filepath.Join(t.dir, chainFile)} }

// next reads at most n rows that it has not read yet, and the numbers of lines
// that are no rows; both are empty at the end, and where there is no file. What
// a crash left half-written at the end is not read.
func (r *reader) next(n int) (rows []Row, bad []int, err error) {
	f, err := os.Open(r.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the audit file: %w", err)
	}
	defer f.Close()
	if _, err := f.Seek(r.at, io.SeekStart); err != nil {
		return nil, nil, fmt.Errorf("read the audit file: %w", err)
	}
	b := bufio.NewReaderSize(f, maxLine)
	for len(rows) < n {
		line, err := b.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return rows, bad, fmt.Errorf("read the audit file: %w", err)
		}
		r.at += int64(len(line))
		r.line++
		var row Row
		if err := json.Unmarshal(line, &row); err != nil {
			bad = append(bad, r.line)
			continue
		}
		rows = append(rows, row)
	}
	return rows, bad, nil
}
