// Package bounded takes what comes from outside into memory, whole and never more
// of it than its caller allows: notifications, answers over the network, files of
// somebody else's.
//
// It is the only place that inflates a body, and the only one that reads to an end
// that somebody outside chooses; a test of cmd/fonoteka holds the other packages to
// it. A limit counts the bytes that are held, inflated ones included: net/http
// inflates an answer without being asked, so that a limit on what came over the wire
// bounds nothing.
package bounded

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrTooLarge is wrapped by the error about something that is longer than its limit.
var ErrTooLarge = errors.New("too large")

func tooLarge(what string, limit int) error {
	return fmt.Errorf("%s more than %s: %w", what, size(limit), ErrTooLarge)
}

// size is short where it can be: long numbers are masked in some logs, as those of
// telephones are.
func size(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// Read reads r to its end. Where that is more than limit bytes away, it stops reading
// and returns what it has, one byte more than limit, with an error that wraps
// ErrTooLarge; after any other error, what came before it.
func Read(r io.Reader, limit int) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(b) > limit {
		err = tooLarge("it has", limit)
	}
	return b, err
}

// ReadFile reads a file whole, if it has no more than limit bytes.
func ReadFile(name string, limit int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := Read(f, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}
