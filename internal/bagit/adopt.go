package bagit

import (
	"errors"
	"fmt"
	"os"
	"path"
)

// Adopt takes over a file that an earlier Writer finished: it reads the file for its
// digests, which the caller may compare with what it knows. False: there is none.
func (w *Writer) Adopt(name string) (Sum, bool, error) {
	sum := Sum{}
	found, err := w.adopt(name, func(os.FileInfo) (Sum, error) {
		f, err := w.root.Open(name)
		if err != nil {
			return Sum{}, err
		}
		defer f.Close()
		buf := buffers.Get().(*[bufferSize]byte)
		defer buffers.Put(buf)
		s := newSummer()
		_, err = copyAll(s, f, buf[:])
		sum = s.sum()
		return sum, err
	})
	return sum, found, err
}

// errOtherSize: what is there is not what is known.
var errOtherSize = errors.New("it has another size")

// AdoptKnown takes over a file that an earlier Writer finished, whose sum the caller
// has kept since: it compares the size and does not read the file. That is enough
// against a kill and a loss of power, since a file has its name only when it is whole
// and synced; against a change by others, Adopt reads. False: there is none, or one of
// another size, and the file has to be added.
func (w *Writer) AdoptKnown(name string, known Sum) (bool, error) {
	found, err := w.adopt(name, func(info os.FileInfo) (Sum, error) {
		if info.Size() != known.Size {
			return Sum{}, errOtherSize
		}
		return known, nil
	})
	if errors.Is(err, errOtherSize) {
		return false, nil
	}
	return found, err
}

func (w *Writer) adopt(name string, sum func(os.FileInfo) (Sum, error)) (bool, error) {
	if err := checkName(name); err != nil {
		return false, fmt.Errorf("adopt %q into bag: %w", name, err)
	}
	info, err := w.root.Lstat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("adopt into bag: %w", err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("adopt %q into bag: it is not a regular file", name)
	}
	if err := w.reserve(name); err != nil {
		return false, fmt.Errorf("adopt %q into bag: %w", name, err)
	}
	s, err := sum(info)
	if err == nil {
		err = w.mkdir(path.Dir(name))
	}
	if err != nil {
		w.release(name)
		return false, fmt.Errorf("adopt %q into bag: %w", name, err)
	}
	w.keep(name, s)
	return true, nil
}
