// Package datafile locks and replaces the files of a data folder.
//
// A lock is flock's: it belongs to an open file, and the system releases it however
// the process ends, so that no stale lock has ever to be removed. A file that was
// replaced holds the old content or the new after a crash or a loss of power, and the
// new one once Replace has returned nil. Files are made with mode 0600.
//
// Rejected: github.com/gofrs/flock, which is maintained, but hides the file: two of the
// four users lock the very file that they write to. github.com/google/renameio/v2: it
// does not sync the folder after the rename (its issue 11, and pull request 42, open
// since 2024), so that the caller would have to, which is most of what is here.
package datafile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked says that another open file, perhaps another process's, has the lock.
var ErrLocked = errors.New("locked by another process")

// Lock takes the exclusive lock on f, which it has until it is closed. It waits for
// other holders until ctx is done, and returns ErrLocked then.
func Lock(ctx context.Context, f *os.File) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		err := flock(f, unix.LOCK_EX)
		if !errors.Is(err, ErrLocked) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// LockPath opens or makes the file at path and locks it as Lock does.
func LockPath(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := Lock(ctx, f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// TryLockPath is LockPath without waiting.
func TryLockPath(path string) (*os.File, error) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return LockPath(ctx, path)
}

// KeepLocked keeps the lock of f until the process ends, whatever becomes of f: a file
// that nothing refers to is closed by the garbage collector, and its lock given up.
func KeepLocked(f *os.File) error {
	_, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	return err
}

// Locked says whether somebody has the lock on the file at path; where there is no
// file, nobody has. It asks with a shared lock that it holds for an instant: two who
// ask do not see each other, and who takes the lock should wait a moment for them.
func Locked(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = flock(f, unix.LOCK_SH)
	if errors.Is(err, ErrLocked) {
		return true, nil
	}
	return false, err
}

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrLocked
		case !errors.Is(err, unix.EINTR):
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}

// Replace makes content the whole of the file at path, durably. What a crash leaves of
// it beside the file is named path.*.
func Replace(path string, content []byte) error {
	dir, name := filepath.Split(path)
	f, err := os.CreateTemp(dir, name+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name()) // not there any more after the rename
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = SyncFolder(dir)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// SyncFolder makes durable which files a folder has, and their names.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
