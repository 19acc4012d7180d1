package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// Two time.Time of one moment differ as keys where one was read from a database and
// the other from the clock: they hold a location, and perhaps a monotonic reading. So
// no map is keyed by one, or by a struct that has one: rollup.Day, Unix numbers and
// the like are keys.
func TestNoMapIsKeyedByATime(t *testing.T) {
	t.Parallel()
	set := token.NewFileSet()
	var files []*ast.File
	for _, root := range []string{"../../cmd", "../../internal", "../../schema", "../../grafana"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			files = append(files, f)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range keyedByTime(files) {
		t.Errorf("%s: a map is keyed by a time", set.Position(at))
	}
	if len(files) < 300 {
		t.Errorf("only %d files were read", len(files))
	}
}

func TestMapsKeyedByATimeAreFound(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]int{
		"var a map[time.Time]int":                                                                1,
		"func f() { m := map[string]map[time.Time]bool{}; _ = m }":                               1,
		"type k struct { id string; at time.Time }\nvar a map[k]int":                             1,
		"func f() { type k struct{ at, till time.Time }; _ = make(map[k]bool) }":                 1,
		"var a map[struct{ at time.Time }]int":                                                   1,
		"type in struct { at time.Time }\ntype k struct { in }\nvar a map[k]int":                 1,
		"type k = time.Time\nvar a map[k]int":                                                    1,
		"var a map[[2]time.Time]int":                                                             1,
		"var a map[other.K]int":                                                                  1,
		"var a map[string]time.Time; var b map[time.Duration]int; var c map[*time.Location]bool": 0,
		"type k struct { at int64; of *time.Time }\nvar a map[k]int":                             0,
	} {
		set := token.NewFileSet()
		var files []*ast.File
		for _, text := range []string{"package p\nimport \"time\"\n" + source, "package other\nimport clock \"time\"\ntype K struct { At clock.Time }"} {
			f, err := parser.ParseFile(set, "", text, parser.SkipObjectResolution)
			if err != nil {
				t.Fatalf("%s: %v", source, err)
			}
			files = append(files, f)
		}
		if got := keyedByTime(files); len(got) != want {
			t.Errorf("%d found in:\n%s", len(got), source)
		}
	}
}

// keyedByTime finds maps whose key is a time.Time or has one in it. Types are told
// apart by package and name, as they are written: of two of one name, both count.
func keyedByTime(files []*ast.File) (found []token.Pos) {
	timed := map[string]bool{} // package.Name of types that have a time in them
	for known := -1; known != len(timed); {
		known = len(timed)
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.TypeSpec); ok && hasTime(f, s.Type, timed) {
					timed[f.Name.Name+"."+s.Name.Name] = true
				}
				return true
			})
		}
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if m, ok := n.(*ast.MapType); ok && hasTime(f, m.Key, timed) {
				found = append(found, m.Pos())
			}
			return true
		})
	}
	return found
}

func hasTime(f *ast.File, of ast.Expr, timed map[string]bool) bool {
	switch e := of.(type) {
	case *ast.SelectorExpr:
		in, ok := e.X.(*ast.Ident)
		if !ok {
			return false
		}
		for _, i := range f.Imports {
			if i.Path.Value == `"time"` && (i.Name == nil && in.Name == "time" || i.Name != nil && i.Name.Name == in.Name) {
				return e.Sel.Name == "Time"
			}
		}
		return timed[in.Name+"."+e.Sel.Name]
	case *ast.Ident:
		return timed[f.Name.Name+"."+e.Name]
	case *ast.ParenExpr:
		return hasTime(f, e.X, timed)
	case *ast.ArrayType:
		return e.Len != nil && hasTime(f, e.Elt, timed)
	case *ast.StructType:
		for _, field := range e.Fields.List {
			if hasTime(f, field.Type, timed) {
				return true
			}
		}
	}
	return false
}
