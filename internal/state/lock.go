package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// glance is how long takeLock waits for those who only look (held).
const glance = 500 * time.Millisecond

// TakeStore gives the files of one embedded store of the installation in dir to
// this process, until release is called or the process ends. The running process
// takes each of its stores so, and on a stopped installation a command takes
// what it needs; ErrLocked if another process has it. It is a lock of its own:
// a command that works for an hour must not keep the next start, which catches
// notifications that come once only, from anything but that store.
func TakeStore(dir, store string) (release func() error, err error) {
	f, err := takeLock(filepath.Join(dir, store+".lock"), 0)
	if err != nil {
		return nil, fmt.Errorf("take the store %s of %s: %w", store, dir, err)
	}
	return f.Close, nil
}

// takeLock locks path for as long as the returned file is open.
func takeLock(path string, wait time.Duration) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(wait); ; time.Sleep(glance / 20) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, unix.EWOULDBLOCK) && time.Now().Before(deadline), errors.Is(err, unix.EINTR):
			continue
		}
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock: %w", err)
	}
}

// held says whether a process has the lock. It asks with a shared lock, held
// for an instant: two who look do not see each other, and takeLock waits.
func held(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
