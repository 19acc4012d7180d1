package export

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"fonoteka/internal/bagit"
	"fonoteka/internal/pack"
)

// ArchiveForm is what a package is written as, when its folder is finished.
type ArchiveForm string

// The forms. A tar needs no place to go back to, so that it can go into a pipe.
const (
	Zip ArchiveForm = "zip"
	Tar ArchiveForm = "tar"
)

// FormOf is the form that a file's name asks for; false: none, the name is that of a
// folder. "-" is the standard output.
func FormOf(name string) (ArchiveForm, bool) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".zip":
		return Zip, true
	case ".tar":
		return Tar, true
	}
	return Tar, name == "-"
}

// Archive writes a finished package's folder as an archive to a stream. folder is the name
// of the one folder at its top.
func Archive(ctx context.Context, w io.Writer, form ArchiveForm, dir, folder string, read func(bytes int)) error {
	opts := bagit.PackOptions{Folder: folder, Deflate: pack.Compressible, Written: read}
	if form == Zip {
		return bagit.WriteZip(ctx, w, dir, opts)
	}
	return bagit.WriteTar(ctx, w, dir, opts)
}

// ArchiveFile writes a finished package's folder as an archive to a file, which has its
// name only when it is whole and on disk. The folder at its top has the file's name.
func ArchiveFile(ctx context.Context, path, dir string, read func(bytes int)) error {
	form, ok := FormOf(path)
	if !ok || path == "-" {
		return fmt.Errorf("write package as %s: the name must end with .zip or .tar", path)
	}
	folder := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return writeFile(path, func(w io.Writer) error { return Archive(ctx, w, form, dir, folder, read) })
}
