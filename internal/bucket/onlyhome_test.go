package bucket_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fonoteka/internal/bucket"
)

// spelledElsewhere are the files that write keys of their own, and why.
var spelledElsewhere = map[string]string{
	"internal/seed/recordings.go": "years of rows for measurements, without objects; it imports nothing of the product",
}

// No other package makes a key, or knows how one begins or what a sidecar's ends with.
func TestNoOtherPackageMakesAKey(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() && (name == "internal/bucket" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		for _, s := range literals(t, path) {
			if strings.HasPrefix(s, bucket.Recordings) || strings.HasPrefix(s, bucket.Quarantine) {
				found[name] = true
				if spelledElsewhere[name] == "" {
					t.Errorf("%s writes %q: take the key from a row or from package bucket", name, s)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range spelledElsewhere {
		if !found[name] {
			t.Errorf("%s writes no keys: its line in the table is stale", name)
		}
	}
}

// literals are the strings of a Go file.
func literals(t *testing.T, path string) (all []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				all = append(all, s)
			}
		}
		return true
	})
	return all
}
