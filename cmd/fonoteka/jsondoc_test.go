package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/custody"
	"fonoteka/internal/exitcode"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
	"fonoteka/internal/verify"
	"fonoteka/internal/warehouse/exports"
)

// jsonOf is what commands print with --json: one object of the type a line.
var jsonOf = []struct {
	command, about string
	types          []any
}{
	{"audit list", "", []any{audit.Row{}}},
	{"audit verify", "A line for each chain.", []any{audit.Chain{}}},
	{"auth status", "A line for each integration.", []any{statusRow{}}},
	{"calendar show", "", []any{dayJSON{}}},
	{"calls list", "", []any{callJSON{}}},
	{"calls show", "", []any{callDetailJSON{}}},
	{"config print", "", []any{reflect.TypeOf((&settings.Config{}).Settings).Out(0).Elem()}},
	{"custody verify", "A line for each day.", []any{custody.Checked{}}},
	{"directory list", "Workplaces first, then numbers: `kind` tells which.", []any{seatJSON{}, numberJSON{}}},
	{"doctor", "", []any{answerJSON{}}},
	{"export", "With --dry-run the first, else the second.", []any{previewJSON{}, exportJSON{}}},
	{"export check", "", []any{checkJSON{}}},
	{"export list", "", []any{exports.Row{}}},
	{"keys create, keys rotate, keys show", "", []any{keyJSON{}}},
	{"parking show", "", []any{parkingJSON{}}},
	{"rebuild", "", []any{rebuiltCallsJSON{}}},
	{"recordings at-risk", "", []any{riskJSON{}}},
	{"recordings list", "", []any{recordingJSON{}}},
	{"recordings orphans", "", []any{orphanJSON{}}},
	{"recordings progress", "", []any{progress{}}},
	{"recordings rebuild-catalogue", "", []any{rebuiltJSON{}}},
	{"scrub", "A line for each finding, then one that sums up.", []any{findingJSON{}, scrubbedJSON{}}},
	{"spool list", "", []any{spool.Report{}}},
	{"sql --connection", "", []any{connection{}}},
	{"verify", "", []any{verify.Result{}}},
	{"version", "", []any{versionJSON{}}},
}

// deploy/json.md is written from the types, so that what is documented is what is
// printed. A change of it that takes something away wants another jsonVersion.
func TestJSONIsDocumented(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	fmt.Fprintf(&b, `# What commands print with --json

This is version %d; `+"`fonoteka version --json`"+` says which one a program has. Within a version
commands and fields may be added, so read past fields that you do not know. A field that
goes or comes to mean something else makes a new version, which the release notes name.

Each line of the output is one JSON object in UTF-8. Messages and progress go to standard
error. Times are RFC 3339, in UTC unless a field says otherwise; ids of calls are strings,
since they need 64 bits; digests are lower-case hex. A time that is not known is null, or
0001-01-01T00:00:00Z where the table says time. A list that --limit cuts says so on standard
error.

The exit status of every command:

%s
`, jsonVersion, "```\n"+exitcode.Table()+"```\n")
	for _, c := range jsonOf {
		fmt.Fprintf(&b, "## %s\n\n", c.command)
		if c.about != "" {
			fmt.Fprintf(&b, "%s\n\n", c.about)
		}
		for _, of := range c.types {
			b.WriteString("| field | type | meaning |\n|---|---|---|\n")
			kind, ok := of.(reflect.Type) // of what is exported by no name
			if !ok {
				kind = reflect.TypeOf(of)
			}
			describeFields(t, &b, "", kind)
			b.WriteString("\n")
		}
	}
	name := filepath.Join("..", "..", "deploy", "json.md")
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(name); err != nil || string(have) != b.String() {
		t.Errorf("%s is not what the types say (%v; -update writes it)", name, err)
	}
}

func describeFields(t *testing.T, b *strings.Builder, prefix string, of reflect.Type) {
	said := commentsOf(t, of)
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			describeFields(t, b, prefix, f.Type)
		case !f.IsExported() || name == "-":
		default:
			if name == "" {
				name = f.Name
			}
			kind, within := jsonType(f.Type)
			if strings.Contains(f.Tag.Get("json"), ",string") {
				kind = "string, a number"
			}
			if strings.Contains(f.Tag.Get("json"), ",omit") {
				kind += ", may be missing"
			}
			fmt.Fprintf(b, "| `%s%s` | %s | %s |\n", prefix, name, kind, strings.ReplaceAll(said[f.Name], "|", `\|`))
			if within != nil {
				describeFields(t, b, prefix+name+".", within)
			}
		}
	}
}

// jsonType names the type of a field, and the struct whose fields it has.
func jsonType(of reflect.Type) (kind string, within reflect.Type) {
	if of == reflect.TypeFor[time.Time]() {
		return "time", nil
	}
	switch of.Kind() {
	case reflect.Pointer:
		kind, within = jsonType(of.Elem())
		return kind + " or null", within
	case reflect.Slice:
		kind, within = jsonType(of.Elem())
		return "list of " + kind, within
	case reflect.Map:
		kind, within = jsonType(of.Elem())
		return "object of " + kind, within
	case reflect.Struct:
		return "object", of
	case reflect.Bool:
		return "true or false", nil
	case reflect.String:
		return "string", nil
	}
	return "number", nil
}

// commentsOf are the comments beside the fields of a type.
func commentsOf(t *testing.T, of reflect.Type) map[string]string {
	t.Helper()
	dir := "."
	if _, below, ok := strings.Cut(of.PkgPath(), "/internal/"); ok {
		dir = filepath.Join("..", "..", "internal", below)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || spec.Name.Name != of.Name() {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					for _, id := range f.Names {
						said[id.Name] = strings.Join(strings.Fields(f.Comment.Text()), " ")
					}
				}
			}
			return false
		})
	}
	return said
}
