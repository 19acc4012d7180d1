package bagit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// FolderSource reads a bag that lies in a folder. It never leaves the folder: symbolic
// links are told of and not followed, and os.Root refuses one that is put there later.
type FolderSource struct {
	root *os.Root
}

// OpenFolder opens a bag's folder. Close it.
func OpenFolder(dir string) (*FolderSource, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open bag %s: %w", dir, err)
	}
	return &FolderSource{root}, nil
}

// Close ends all use of the source.
func (s *FolderSource) Close() error { return s.root.Close() }

// Walk is part of Source.
func (s *FolderSource) Walk(fn func(Entry) error) error { return walkFolder(s.root, ".", fn) }

// walkFolder reads a folder piece by piece: one with millions of files costs no memory.
func walkFolder(root *os.Root, dir string, fn func(Entry) error) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		batch, err := d.ReadDir(256)
		for _, e := range batch {
			if err := walkEntry(root, dir, e, fn); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list folder: %w", err)
		}
	}
}

// errSkip of a Walk's function leaves out what is in a folder.
var errSkip = errors.New("skip this folder")

func walkEntry(root *os.Root, dir string, d fs.DirEntry, fn func(Entry) error) error {
	e := Entry{Path: path.Join(dir, d.Name()), Kind: kindOf(d.Type())}
	if e.Kind == File {
		info, err := d.Info()
		if err != nil {
			return err
		}
		e.Size = info.Size()
	}
	switch err := fn(e); {
	case errors.Is(err, errSkip):
		return nil
	case err != nil:
		return err
	case e.Kind == Folder:
		return walkFolder(root, e.Path, fn)
	}
	return nil
}

func kindOf(t fs.FileMode) Kind {
	switch {
	case t.IsDir():
		return Folder
	case t&fs.ModeSymlink != 0:
		return Link
	case t.IsRegular():
		return File
	}
	return Other
}

// Open is part of Source.
func (s *FolderSource) Open(name string) (io.ReadCloser, error) {
	f, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("open %q: it is not a regular file", name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
