package fetch_test

import (
	"os"
	"path/filepath"
	"testing"

	"fonoteka/internal/fetch"
)

func TestOptionsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]fetch.Options{
		"no hosts":           {TempDir: t.TempDir()},
		"no folder":          {Hosts: hosts(t)},
		"a negative limit":   {Hosts: hosts(t), TempDir: t.TempDir(), PerHostDownloads: -1},
		"a file as a folder": {Hosts: hosts(t), TempDir: file},
	} {
		if f, err := fetch.New(o); err == nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
