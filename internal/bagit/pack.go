package bagit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// PackOptions of WriteZip and WriteTar.
type PackOptions struct {
	// Folder is the one folder at the archive's top, in which the bag lies (RFC 8493, 4).
	Folder string
	// Deflate tells which files a zip compresses; nil: none. What is compressed already,
	// such as audio, gains nothing, and stored it can be read in place.
	Deflate func(path string) bool
	// Written, if it is there, is told the bytes of content that were read since it was
	// called before. A zip reads every file twice.
	Written func(bytes int)
}

// packing is one run of WriteZip or WriteTar.
type packing struct {
	ctx  context.Context
	root *os.Root
	opts PackOptions
	buf  []byte
}

// packed is a file that goes into an archive.
type packed struct {
	path string // in the bag
	name string // in the archive
	size int64
}

// errChanged: the archive would not be what the folder was.
var errChanged = errors.New("it changed while it was read")

func newPacking(ctx context.Context, dir string, opts PackOptions) (*packing, []packed, error) {
	if code, _ := unsafePath(opts.Folder); code != "" || strings.Contains(opts.Folder, "/") {
		return nil, nil, fmt.Errorf("the archive's folder %q must be one plain name", opts.Folder)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	p := &packing{ctx: ctx, root: root, opts: opts, buf: make([]byte, bufferSize)}
	files, err := p.list()
	if err != nil {
		root.Close()
		return nil, nil, err
	}
	return p, files, nil
}

// list are the files of a finished bag, sorted by the bytes of their paths, so that one
// folder gives one archive.
func (p *packing) list() (files []packed, err error) {
	if _, err := p.root.Lstat(lastFile); err != nil {
		return nil, fmt.Errorf("the bag is not finished: %w", err)
	}
	err = walkFolder(p.root, ".", func(e Entry) error {
		switch {
		case e.Kind == Folder:
			return nil
		case e.Kind != File:
			return fmt.Errorf("%q is no regular file", e.Path)
		}
		if code, why := unsafePath(e.Path); code != "" {
			return fmt.Errorf("%q: %s", e.Path, why)
		}
		files = append(files, packed{e.Path, p.opts.Folder + "/" + e.Path, e.Size})
		return nil
	})
	slices.SortFunc(files, func(a, b packed) int { return strings.Compare(a.path, b.path) })
	return files, err
}

// read copies a file, which must have the size that it had.
func (p *packing) read(f packed, to io.Writer) error {
	r, err := p.root.Open(f.path)
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := copyAll(to, reading{p.ctx, r, p.opts.Written}, p.buf)
	if err == nil && n != f.size {
		err = fmt.Errorf("%q: %w", f.path, errChanged)
	}
	return err
}
