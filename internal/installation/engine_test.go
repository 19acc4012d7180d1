package installation

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"fonoteka/internal/embedded"
)

// A command that needs the engine says what is wrong with it, and goes.
func TestADamagedEngineEndsACommand(t *testing.T) {
	t.Setenv("PATH", "") // no npm
	cfg := stopped(t)
	lib := filepath.Join(cfg.EngineCache, "engine", runtime.GOOS+"-"+runtime.GOARCH, embedded.EngineVersion, "libchdb.so")
	if err := os.MkdirAll(filepath.Dir(lib), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lib, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := Reach(t.Context(), cfg, []embedded.Store{embedded.StoreClickHouse})
	if err == nil || !strings.Contains(err.Error(), "engine is damaged ("+lib+")") || !strings.Contains(err.Error(), "install it") {
		t.Errorf("Reach = %v", err)
	}
	if taken(t, cfg, embedded.StoreClickHouse) {
		t.Error("the store's files are taken still")
	}
}
