package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"fonoteka/internal/datafile"
)

// probeWait is how long Open waits for the lock: whoever only asks whether the
// installation runs (Running) holds it for an instant.
const probeWait = 500 * time.Millisecond

// TakeStore gives the files of one embedded store of the installation in dir to
// this process, until release is called or the process ends. The running process
// takes each of its stores this way; on a stopped installation a command takes
// what it needs. ErrLocked if another process has the store. Each store has a lock of
// its own: a command that works on one for an hour must not keep the next start, which
// receives notifications that are sent only once, from anything but that store.
func TakeStore(dir, store string) (release func() error, err error) {
	f, err := takeLock(filepath.Join(dir, store+".lock"), 0)
	if err != nil {
		return nil, fmt.Errorf("take the store %s of %s: %w", store, dir, err)
	}
	return f.Close, nil
}

// takeLock locks path for as long as the returned file is open, waiting for it at most
// as long as given.
func takeLock(path string, wait time.Duration) (*os.File, error) {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	f, err := datafile.LockPath(ctx, path)
	if errors.Is(err, datafile.ErrLocked) {
		return nil, ErrLocked
	}
	return f, err
}
