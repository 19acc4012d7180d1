package verify

import (
	"errors"
	"fmt"
	"io"
	"os"

	"fonoteka/internal/bagit"
)

// Source is an opened package. Close it.
type Source interface {
	bagit.Source
	io.Closer
}

// Open opens a package: a folder, a zip or a tar, told apart by what it is and not by its
// name. What is wrong with an archive is for Check to find.
func Open(path string, limits bagit.Limits) (Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return bagit.OpenFolder(path)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open %s: it is neither a folder nor a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s, err := openArchive(f, info.Size(), limits)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return archive{s, f}, nil
}

type archive struct {
	*bagit.ArchiveSource
	io.Closer
}

const tarMagicAt = 257

// openArchive takes what begins as neither for a zip: a zip's directory is at its end.
func openArchive(f io.ReaderAt, size int64, limits bagit.Limits) (*bagit.ArchiveSource, error) {
	head := make([]byte, tarMagicAt+5)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if head = head[:n]; n == tarMagicAt+5 && string(head[tarMagicAt:]) == "ustar" {
		return bagit.OpenTar(f, size, limits)
	}
	return bagit.OpenZip(f, size, limits)
}
