package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"fonoteka/internal/export"
	"fonoteka/internal/pack"
)

// places are where a package is made, and where it goes.
type places struct {
	folder string // of the package
	notes  string // what is remembered between runs
	file   string // an archive; -: the output; "": the folder is the package
	made   string // is removed when the archive is written; "": nothing
}

// exportPlaces reads --output and --work. An archive's folder lies in the work folder.
func exportPlaces(c *cli.Context) (p places, err error) {
	out, work := c.String("output"), c.String("work")
	_, archived := export.FormOf(out)
	switch {
	case out == "":
		return p, usage("say where the package goes: -o DIR, -o FILE.zip, -o FILE.tar or -o -")
	case out == "-" && work == "":
		return p, usage("-o - needs a folder where the package is put together first: --work DIR")
	case out == "-" && terminal(c.App.Writer):
		return p, usage("-o - writes a tar, and the output is a terminal: send it to a program or a file")
	case !archived:
		if work == "" {
			work = filepath.Clean(out) + ".work"
		}
		return places{folder: filepath.Clean(out), notes: filepath.Join(work, "notes"), made: work}, nil
	case work == "":
		work = out + ".work"
	}
	p = places{folder: filepath.Join(work, "package"), notes: filepath.Join(work, "notes"), file: out, made: work}
	_, begun := os.Stat(p.folder)
	if _, err := os.Lstat(out); out != "-" && err == nil && begun != nil {
		return p, usage("%s is there already: nothing is written over it", out)
	}
	return p, nil
}

// destination is where the package goes, for the table of exports.
func (p places) destination() string {
	where := cmp.Or(p.file, p.folder)
	if abs, err := filepath.Abs(where); err == nil && where != "-" {
		return abs
	}
	return where
}

// make makes the folders above.
func (p places) make() error {
	return errors.Join(os.MkdirAll(filepath.Dir(p.folder), 0o700), os.MkdirAll(filepath.Dir(p.notes), 0o700))
}

// begun tells whether a run before has left something: what it remembered, or a package
// that it has finished.
func (p places) begun() bool {
	_, notes := os.Stat(p.notes)
	_, finished := os.Stat(filepath.Join(p.folder, pack.TagManifest))
	return notes == nil || finished == nil
}

// deliver writes the archive; nil where the folder is the package.
func (p places) deliver(c *cli.Context, line *progressLine) func(context.Context) error {
	if p.file == "" {
		return nil
	}
	return func(ctx context.Context) error {
		var written int64
		read := func(n int) {
			written += int64(n)
			line.say("writing " + p.file + ": " + fileSize(written))
		}
		if p.file == "-" {
			return export.Archive(ctx, raw(c.App.Writer), export.Tar, p.folder, "fonoteka-package", read)
		}
		return export.ArchiveFile(ctx, p.file, p.folder, read)
	}
}

// clean removes what was made on the way, once the package is where it goes.
func (p places) clean() error {
	if p.file != "" {
		return os.RemoveAll(p.made)
	}
	if err := os.Remove(p.made); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTEMPTY) {
		return err
	}
	return nil
}

// room says whether there is place for so many bytes in each place, and how much there is.
func (p places) room(bytes uint64) (said string, err error) {
	need := map[uint64]uint64{} // by device
	free := map[uint64]uint64{}
	add := func(path string) error {
		device, left, err := freeAt(path)
		need[device] += bytes
		free[device] = left
		return err
	}
	err = add(p.folder)
	if err == nil && p.file != "" && p.file != "-" {
		err = add(p.file)
	}
	if err != nil {
		return "", err
	}
	for device, n := range need {
		said = fmt.Sprintf("%s of space needed, %s free", fileSize(int64(n)), fileSize(int64(free[device])))
		if free[device] < n {
			return said, errors.New("there is not enough space: " + said)
		}
	}
	return said, nil
}

// freeAt asks the file system of the nearest folder above a path that is there.
func freeAt(path string) (device, free uint64, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return 0, 0, err
	}
	var s unix.Stat_t
	for err = unix.Stat(path, &s); errors.Is(err, fs.ErrNotExist) && path != "/"; err = unix.Stat(path, &s) {
		path = filepath.Dir(path)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("look for space at %s: %w", path, err)
	}
	var f unix.Statfs_t
	if err := unix.Statfs(path, &f); err != nil {
		return 0, 0, fmt.Errorf("look for space at %s: %w", path, err)
	}
	return s.Dev, f.Bavail * uint64(f.Bsize), nil
}
