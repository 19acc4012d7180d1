package embedded

import (
	"path/filepath"
	"runtime"
	"testing"
)

// Nobody else holds the file of a lock, so that a collector of garbage might close it.
func TestALockOutlivesACollectionOfGarbage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	if err := lockFile(path, 0, nil); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		runtime.GC()
	}
	if err := lockFile(path, 0, nil); err == nil {
		t.Error("a lock that is held was taken once more")
	}
}
