package bagit

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"time"
)

// WriteTar writes a finished bag as a tar, uncompressed, in one pass. The same folder
// gives the same bytes: files are sorted, all of one time, of nobody, and may be read by
// everybody.
func WriteTar(ctx context.Context, w io.Writer, dir string, opts PackOptions) error {
	if err := writeTar(ctx, w, dir, opts); err != nil {
		return fmt.Errorf("write bag %s as a tar: %w", dir, err)
	}
	return nil
}

func writeTar(ctx context.Context, w io.Writer, dir string, opts PackOptions) error {
	p, files, err := newPacking(ctx, dir, opts)
	if err != nil {
		return err
	}
	defer p.root.Close()
	t := tar.NewWriter(w)
	for _, f := range files {
		// The format is left open: ustar, and PAX where a name or a size needs it.
		if err := t.WriteHeader(&tar.Header{Name: f.name, Size: f.size, Mode: 0o644, ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		if err := p.read(f, t); err != nil {
			return err
		}
	}
	return t.Close()
}
