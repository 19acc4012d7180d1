package spool

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"fonoteka/internal/bounded"
)

// ErrDamagedStore says that the store in the spool's folder cannot be opened because it is
// damaged, and not because of permissions or an error of the disk. With Options.PutAside
// Open then begins a new spool.
var ErrDamagedStore = errors.New("the spool is damaged")

// classify says whether a failure to read the folder is damage; fault is the error of the
// file system itself, if there was one. Only what is known to be damage
// counts: an error that the store calls corruption, a file that is missing or is a
// folder, and our own checks. Every other error makes Open fail. So does an error of
// the disk, of permissions or of space that the store reports as corruption: it
// may be temporary, and then nothing is damaged.
func classify(err, fault error) error {
	if fault != nil && !errors.Is(err, fault) {
		return fmt.Errorf("%w (the file system said: %w)", err, fault)
	}
	var errno syscall.Errno
	if fault != nil || errors.As(err, &errno) && errno != syscall.ENOENT && errno != syscall.EISDIR {
		return err
	}
	damage := pebble.IsCorruptionError(err) || errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.EISDIR) ||
		errors.Is(err, pebble.ErrDBNotPristine) || errors.Is(err, bounded.ErrTooLarge) || errors.As(err, new(damage))
	if !damage {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamagedStore, err)
}

// damage is an error of our own checks.
type damage struct{ error }

func (d damage) Unwrap() error { return d.error }

func damagef(format string, args ...any) error { return damage{fmt.Errorf(format, args...)} }

// faultFS remembers the first error of the file system itself, an I/O error only if there
// was no other. That a file is missing, or is a folder, does not count: that is about the
// contents. It is needed because pebble includes some read errors only as text in what it
// calls corruption.
type faultFS struct {
	vfs.FS
	mu    sync.Mutex
	first error
}

func (f *faultFS) fault() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.first
}

func (f *faultFS) note(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) && errno != syscall.ENOENT && errno != syscall.EISDIR && errno != syscall.EINVAL { // EINVAL: a damaged offset
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.first == nil || errors.Is(f.first, syscall.EIO) {
			f.first = err
		}
	}
	return err
}

func (f *faultFS) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.Open(name, o...)
	if f.note(err) != nil {
		return nil, err
	}
	return &faultFile{file, f}, nil
}

func (f *faultFS) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	return file, f.note(err)
}

func (f *faultFS) List(dir string) ([]string, error) {
	names, err := f.FS.List(dir)
	return names, f.note(err)
}

func (f *faultFS) Stat(name string) (vfs.FileInfo, error) {
	info, err := f.FS.Stat(name)
	return info, f.note(err)
}

type faultFile struct {
	vfs.File
	fs *faultFS
}

func (f *faultFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	return n, f.fs.note(err)
}

func (f *faultFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(p, at)
	return n, f.fs.note(err)
}
