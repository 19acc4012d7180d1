package dashboard_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"fonoteka/internal/dashboard"
)

var update = flag.Bool("update", false, "write the dashboards instead of comparing them")

// folder is where the provisioning finds them.
const folder = "../../grafana/dashboards"

func TestCommittedDashboardsAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, lang := range dashboard.Langs() {
		for _, d := range dashboard.All() {
			file := filepath.Join(folder, string(lang), d.Name+".json")
			want[file] = true
			content, err := dashboard.Render(d, lang)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				write(t, file, content)
			}
			committed, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			} else if !bytes.Equal(committed, content) {
				t.Errorf("%s is not what the code generates: run make dashboards", file)
			}
		}
	}
	found, err := filepath.Glob(filepath.Join(folder, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		if !want[file] {
			t.Errorf("%s belongs to no dashboard", file)
		}
	}
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
