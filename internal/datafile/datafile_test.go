package datafile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"fonoteka/internal/datafile"
)

func TestALockHasOneHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	if locked, err := datafile.Locked(path); locked || err != nil {
		t.Errorf("a lock without a file is held: %v, %v", locked, err)
	}
	f, err := datafile.TryLockPath(path)
	if err != nil {
		t.Fatal(err)
	}
	if locked, err := datafile.Locked(path); !locked || err != nil {
		t.Errorf("a lock that is held looks free: %v, %v", locked, err)
	}
	if _, err := datafile.TryLockPath(path); !errors.Is(err, datafile.ErrLocked) {
		t.Errorf("a second holder: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := datafile.LockPath(ctx, path); !errors.Is(err, datafile.ErrLocked) || ctx.Err() == nil {
		t.Errorf("it did not wait as long as it may: %v", err)
	}
	got := make(chan error, 1)
	go func() {
		second, err := datafile.LockPath(t.Context(), path)
		if err == nil {
			err = second.Close()
		}
		got <- err
	}()
	f.Close()
	if err := <-got; err != nil {
		t.Errorf("the lock was not given on: %v", err)
	}
}

func TestALockMayOutliveItsFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	f, err := datafile.TryLockPath(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := datafile.KeepLocked(f); err != nil {
		t.Fatal(err)
	}
	f.Close()
	runtime.GC()
	if _, err := datafile.TryLockPath(path); !errors.Is(err, datafile.ErrLocked) {
		t.Errorf("the lock was given up: %v", err)
	}
}

func TestAFileIsReplacedAsAWholeAndForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "facts.json")
	for _, content := range []string{"the first, longer content", "the second"} {
		if err := datafile.Replace(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("it holds %q, %v", got, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("beside it lie %v, %v", entries, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	if err := datafile.Replace(filepath.Join(dir, "none", "x"), nil); err == nil {
		t.Error("a file was made in a folder that is not there")
	}
}
