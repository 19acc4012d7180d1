package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRootKeepsOutOfAnotherUsersDataFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	own := t.TempDir()
	nobodys := filepath.Join(own, "service")
	if err := os.Mkdir(nobodys, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(nobodys, 4242, 4242); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{own, filepath.Join(own, "missing")} {
		if err := rootInAnothers(dir); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if err := rootInAnothers(nobodys); err == nil || !strings.Contains(err.Error(), "sudo -u #4242 fonoteka") {
		t.Errorf("%s: %v", nobodys, err)
	}
}
