package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The module's path stands in go.mod and in import declarations, each on a line of its
// own, and nowhere else. So one command gives it another:
//
//	go mod edit -module NEW && grep -rl --include='*.go' '"OLD/' . | xargs sed -i 's|"OLD/|"NEW/|'
func TestTheModulePathStandsInImportsOnly(t *testing.T) {
	t.Parallel()
	text, err := exec.Command("go", "mod", "edit", "-json", "../../go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Module  struct{ Path string }
		Replace []any
	}
	if err := json.Unmarshal(text, &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace) != 0 {
		t.Error("go.mod replaces modules: `go install` of this one is refused then")
	}
	if where := strayPaths(t, os.DirFS("../.."), mod.Module.Path); len(where) != 0 {
		t.Errorf("the module's path is written outside imports:\n%s", strings.Join(where, "\n"))
	}
	tree := t.TempDir()
	for name, text := range map[string]string{
		"a.go": "import \"a/b/internal/x\"\n\tx \"a/b/schema\"\n", "dir.txt": "/srv/a/b/schema and a/b/schematic\n",
		"b.go": "x := \"a/b/internal/x\"\n", "Makefile": "\tgo test a/b/cmd/x\n",
	} {
		if err := os.WriteFile(filepath.Join(tree, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(strayPaths(t, os.DirFS(tree), "a/b"), " "); got != "Makefile:1 b.go:1" {
		t.Errorf("got %s", got)
	}
}

var importLine = regexp.MustCompile(`^\s*(import )?(\w+ |\. )?"[^"]+"$`)

// strayPaths are the lines of a tree that name a package of the module, but for imports.
func strayPaths(t *testing.T, tree fs.FS, module string) []string {
	t.Helper()
	path := regexp.MustCompile(`(^|[^\w./-])` + regexp.QuoteMeta(module) + `/((cmd|internal|schema)\b|\.\.\.)`)
	var out []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "bin") {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			line = strings.TrimSuffix(line, "\n")
			if path.MatchString(line) && (filepath.Ext(name) != ".go" || !importLine.MatchString(line)) {
				out = append(out, fmt.Sprintf("%s:%d", name, n))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
