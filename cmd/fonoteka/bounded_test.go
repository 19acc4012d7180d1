package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// unbounded are the places that may read or inflate without internal/bounded, by what
// they do and where, a reason per line.
var unbounded = map[string]string{
	"inflate internal/bounded/inflate.go": "it is the one",
	"inflate internal/bounded/gunzip.go":  "for who counts what comes of it piece by piece",
	"inflate internal/bagit/zip.go":       "streams to digests; an archive inflates to a bound for the whole",
	"inflate internal/bagit/zipheader.go": "compares headers, inflates nothing",
	"inflate internal/bagit/writezip.go":  "compresses, inflates nothing",
	"inflate internal/embedded/fetch.go":  "streams the engine to a file whose size it has checked; its digest is pinned",

	"os.ReadFile internal/edge/certificate.go":  "the administrator's certificate and key",
	"os.ReadFile internal/edge/acme.go":         "the administrator's list of roots",
	"os.ReadFile internal/state/state.go":       "files of our own folder, which nobody else can write",
	"os.ReadFile internal/state/vault.go":       "likewise",
	"os.ReadFile internal/export/seal.go":       "a manifest that this process has written, or is about to sign",
	"os.ReadFile internal/export/again.go":      "a manifest that a run before has written",
	"os.ReadFile internal/export/work.go":       "notes of a package that is being written, in a folder of its own",
	"os.ReadFile internal/embedded/memory.go":   "the kernel's files about memory",
	"os.ReadFile internal/embedded/landlock.go": "the kernel's list of what this process has loaded",
}

// beyond are folders whose code is no part of the running product.
var beyond = []string{"internal/sim/", "internal/seed/", "cmd/mttsim/", "internal/call/calltest/", "internal/fetch/fetchtest/", "internal/export/exporttest/", "internal/embedded/embeddedtest/", "internal/dashboard/"}

// Whatever comes from outside is inflated and read whole by internal/bounded only:
// a limit that is forgotten in one place is all that an attacker needs.
func TestOnlyBoundedReadsWithoutAnEndInSight(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for name, file := range sources(t) {
		for _, use := range readsWhole(file) {
			place := use + " " + name
			used[place] = true
			if unbounded[place] == "" {
				t.Errorf("%s: %s: read it by internal/bounded, or say in the table why not", name, use)
			}
		}
	}
	for place := range unbounded {
		if !used[place] {
			t.Errorf("%s: a line of the table is stale", place)
		}
	}
}

// sources parses the product's files, by their names from the top.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	const top = "../.."
	files, set := map[string]*ast.File{}, token.NewFileSet()
	for _, dir := range []string{"cmd", "internal", "schema"} {
		err := filepath.WalkDir(filepath.Join(top, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			name, err := filepath.Rel(top, path)
			if err != nil {
				return err
			}
			for _, dir := range beyond {
				if strings.HasPrefix(name, dir) {
					return nil
				}
			}
			files[name], err = parser.ParseFile(set, path, nil, 0)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(files) < 200 {
		t.Fatalf("only %d files were found", len(files))
	}
	return files
}

// readsWhole names what a file does that has no end but the sender's: it inflates, or
// reads all of something that is neither limited nor in memory already.
func readsWhole(file *ast.File) (uses []string) {
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		for _, kind := range []string{"compress/", "github.com/klauspost/compress", "github.com/andybalholm/brotli", "archive/zip"} {
			if strings.HasPrefix(path, kind) && !slices.Contains(uses, "inflate") {
				uses = append(uses, "inflate")
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok || len(c.Args) == 0 {
			return true
		}
		switch name := called(c); {
		case (name == "io.ReadAll" || name == "ioutil.ReadAll") && !limited(c.Args[0]):
			uses = append(uses, "io.ReadAll")
		case name == "os.ReadFile" || name == "ioutil.ReadFile":
			uses = append(uses, "os.ReadFile")
		case strings.HasSuffix(name, ".ReadFrom") && !limited(c.Args[0]):
			uses = append(uses, name)
		case strings.HasSuffix(name, ".NewDecoder") && answer(c.Args[0]), name == "httputil.DumpResponse", name == "httputil.DumpRequest":
			uses = append(uses, name)
		}
		return true
	})
	return uses
}

// called is package.Function, or variable.Method.
func called(c *ast.CallExpr) string {
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	of, ok := s.X.(*ast.Ident)
	if !ok {
		return fmt.Sprintf("?.%s", s.Sel.Name)
	}
	return of.Name + "." + s.Sel.Name
}

// limited is a call of io.LimitReader.
func limited(e ast.Expr) bool {
	c, ok := e.(*ast.CallExpr)
	return ok && called(c) == "io.LimitReader"
}

// answer is the body of a request or an answer, or standard input.
func answer(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && (s.Sel.Name == "Body" || s.Sel.Name == "Stdin")
}

func TestReadingWithoutAnEndIsFound(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`import "compress/gzip"`:                                     "inflate",
		`import z "github.com/klauspost/compress/zstd"`:              "inflate",
		`func f() { io.ReadAll(r) }`:                                 "io.ReadAll",
		`func f() { io.ReadAll(io.LimitReader(r, 5)) }`:              "",
		`func f() { x, err := os.ReadFile("a") }`:                    "os.ReadFile",
		`func f() { json.NewDecoder(resp.Body).Decode(&v) }`:         "json.NewDecoder",
		`func f() { json.NewDecoder(io.LimitReader(resp.Body, 1)) }`: "",
		`func f() { b.ReadFrom(r) }`:                                 "b.ReadFrom",
		`func f() { s.b.ReadFrom(r) }`:                               "?.ReadFrom",
		`func f() { json.Unmarshal(b, &v) }`:                         "",
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(readsWhole(file), ","); got != want {
			t.Errorf("%s: found %q, want %q", source, got, want)
		}
	}
}
