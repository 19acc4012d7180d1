package embedded_test

import (
	"os"
	"path/filepath"
	"testing"

	"fonoteka/internal/embedded"
)

func TestFoldersAreTrustedUntilADeletion(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "bucket", "a", "b")
	file := filepath.Join(dir, "f")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var f embedded.Folders
	check := func(when string, path, want string) {
		t.Helper()
		if got := f.SyncedUpTo(path, root); got != want {
			t.Errorf("%s: a write under %s syncs up to %s, want %s", when, path, got, want)
		}
	}
	check("at first", dir, root)
	if err := f.Sync(file, root); err != nil {
		t.Fatal(err)
	}
	check("after a write", dir, dir)
	check("a new folder", filepath.Join(root, "bucket", "a", "c"), filepath.Join(root, "bucket", "a"))
	check("a new bucket", filepath.Join(root, "other"), root)

	end := f.Deleting()
	check("during a deletion", dir, root)
	if err := f.Sync(file, root); err != nil {
		t.Fatal(err)
	}
	end()
	check("after it", dir, root)
	if err := f.Sync(file, root); err != nil {
		t.Fatal(err)
	}
	check("after another write", dir, dir)
}
