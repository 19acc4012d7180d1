package pack

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine is far beyond any line: an event has the body of a notification at most.
const maxLine = 8 << 20

// record is what a line of a file holds.
type record[T any] interface {
	Compare(T) int
	Check() error
}

// EachLine gives what each line of calls, legs or events says to fn. It ends with an
// error at a line that cannot be read, has not what it must, or is not behind the one
// before it.
func EachLine[T record[T]](r io.Reader, fn func(T) error) error {
	var last *T
	return eachRaw(r, func(line []byte) error {
		var v T
		if err := strict(line, &v); err != nil {
			return err
		}
		if err := v.Check(); err != nil {
			return err
		}
		if last != nil && (*last).Compare(v) >= 0 {
			return errors.New("it is not behind the line before it")
		}
		last = &v
		return fn(v)
	})
}

// ErrLine is wrapped by what is wrong with a line of a file.
var ErrLine = errors.New("a line is not as it must be")

// eachRaw gives each line, without its line break, which each must have.
func eachRaw(r io.Reader, fn func([]byte) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), maxLine)
	s.Split(wholeLines)
	number := 0
	for s.Scan() {
		number++
		if err := fn(s.Bytes()); err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrLine, number, err)
		}
	}
	switch err := s.Err(); {
	case errors.Is(err, errNoEnd), errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("%w: line %d: %w", ErrLine, number+1, err)
	default:
		return err
	}
}

var errNoEnd = errors.New("it has no line break at its end")

func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, errNoEnd
	}
	return 0, nil, nil
}

// strict reads one JSON object that has known fields alone, and nothing behind it.
func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind it")
	}
	return nil
}

// Document is a value as a JSON document for people too.
func Document(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}

// ReadDocument reads one; a field that is not known is an error.
func ReadDocument(b []byte, into any) error { return strict(b, into) }
