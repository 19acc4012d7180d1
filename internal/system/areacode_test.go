package system

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A local number is completed as the installation's own numbers are.
func TestTheAreaCodeOfTheFileCompletesANumber(t *testing.T) {
	t.Parallel()
	warehouseURL, db := database(t, "area_code")
	if _, err := db.Exec("INSERT INTO calls (integration, call_id, started_at, client_number, version) VALUES ('main', 7, now64(3), '74952345678', 1)"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "fonoteka.yaml")
	if err := os.WriteFile(file, []byte("calls: {area_code: '495'}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, stderr, code := output(t, "calls", "list", "--number", "234-56-78", "--config", file, "--clickhouse-url", warehouseURL)
	if code != 0 || !strings.Contains(out, "74952345678") {
		t.Errorf("exit %d\n%s%s", code, out, stderr)
	}
}
