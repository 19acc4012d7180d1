package schema

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "raise the revision of changed views")

func current(t *testing.T) Set {
	t.Helper()
	s, err := Current()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The views are those of the revision: otherwise a database that has the revision
// already would keep the others. On purpose: go test ./schema -update
func TestChangedViewsHaveANewRevision(t *testing.T) {
	t.Parallel()
	views := current(t).Views
	_, digest, err := readRevision(files)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case views.digest() == digest:
	case *update:
		text := fmt.Sprintf("%d %s\n", views.Revision+1, views.digest())
		if err := os.WriteFile("views/revision.txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("views or dictionaries have changed, and views/revision.txt has not: run go test ./schema -update")
	}
}

func TestViewsComeAfterWhatTheyName(t *testing.T) {
	t.Parallel()
	views := current(t).Views.Definitions
	at := func(name string) int {
		return slices.IndexFunc(views, func(d Definition) bool { return d.Name == name })
	}
	for _, pair := range [][2]string{
		{"directory_history", "directory_account_history"},
		{"directory_account_history", "directory_account"},
		{"directory_account", "report_calls"},
		{"own_calls", "report_calls"},
		{"report_calls", "live_waits"},
		{"live_waits", "live_longest_waits"},
	} {
		if before, after := at(pair[0]), at(pair[1]); before < 0 || after < before {
			t.Errorf("%s is number %d, and %s, which needs it, %d", pair[0], before, pair[1], after)
		}
	}
}

func TestOrderIsOfNamesOutsideOfComments(t *testing.T) {
	t.Parallel()
	view := func(name, text string) Definition { return Definition{Name: name, Statement: text} }
	got, err := inOrder([]Definition{
		view("a", "CREATE VIEW a AS SELECT 1 FROM b -- not of c"), view("b", "CREATE VIEW b AS SELECT dictGet('d', 'x', y) FROM cc"),
		view("c", "CREATE VIEW c AS SELECT * FROM a"), view("d", "-- d is before a\nCREATE DICTIONARY d"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range got {
		names = append(names, d.Name)
	}
	if diff := cmp.Diff([]string{"d", "b", "a", "c"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestViewsThatNeedEachOtherAreRefused(t *testing.T) {
	t.Parallel()
	_, err := readViews(fstest.MapFS{
		"views/revision.txt": {Data: []byte("1 x\n")},
		"views/a.sql":        {Data: []byte("CREATE OR REPLACE VIEW a AS SELECT * FROM b")},
		"views/b.sql":        {Data: []byte("CREATE OR REPLACE VIEW b AS SELECT * FROM a")},
		"views/fine.sql":     {Data: []byte("CREATE OR REPLACE VIEW fine AS SELECT 1")},
	})
	if err == nil || !strings.HasSuffix(err.Error(), ": a, b") {
		t.Errorf("got %v", err)
	}
}

// What may run again, and next to another, and is defined once.
func TestEveryStatementMayRunAgain(t *testing.T) {
	t.Parallel()
	s := current(t)
	defined := map[string]string{}
	once := func(file, statement, pattern string) {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(comment.ReplaceAllString(statement, ""))
		if m == nil {
			t.Errorf("%s: a statement does not begin with %s:\n%s", file, pattern, statement)
			return
		}
		if other := defined[m[1]]; other != "" {
			t.Errorf("%s is in %s and in %s", m[1], other, file)
		}
		defined[m[1]] = file
	}
	for _, topic := range s.Baseline {
		if len(topic.Statements) == 0 {
			t.Errorf("tables/%s.sql has no statement", topic.Name)
		}
		for _, statement := range topic.Statements {
			once("tables/"+topic.Name, statement, `^\s*CREATE (?:TABLE|MATERIALIZED VIEW) IF NOT EXISTS (\w+)`)
		}
	}
	for _, d := range s.Views.Definitions {
		kind := "VIEW"
		if d.Dictionary {
			kind = "DICTIONARY"
		}
		once("views/"+d.Name, d.Statement, `^\s*CREATE OR REPLACE `+kind+` (`+d.Name+`)\s`)
		if len(statements(d.Statement)) != 1 || strings.HasSuffix(d.Statement, ";") {
			t.Errorf("%s: want one statement without a semicolon", d.Name)
		}
	}
	if len(defined) < 60 {
		t.Errorf("only %d definitions", len(defined))
	}
}

func TestARollupNamesItsTableAndColumns(t *testing.T) {
	t.Parallel()
	got, err := readRollups(fstest.MapFS{"rollups/a.sql": {Data: []byte(
		"-- of a\nINSERT INTO a (x, y,\n  version, is_deleted) SELECT 1;\n\nINSERT INTO a ({columns}, version) SELECT {columns}, {version};\n",
	)}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Rollup{"a": {[]string{"x", "y"}, []string{
		"-- of a\nINSERT INTO a (x, y,\n  version, is_deleted) SELECT 1;", "INSERT INTO a (x, y, version) SELECT x, y, {version};",
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := readRollups(fstest.MapFS{"rollups/a.sql": {Data: []byte("INSERT INTO a SELECT 1;")}}); err == nil {
		t.Error("no columns are taken")
	}
}

func TestStatementsEndWithALine(t *testing.T) {
	t.Parallel()
	got := statements("-- first;\nCREATE a -- of; b\n(x);\n\n-- second\nCREATE b;\n")
	if diff := cmp.Diff([]string{"-- first;\nCREATE a -- of; b\n(x);", "-- second\nCREATE b;"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNumberIsOfTheNewestMigration(t *testing.T) {
	t.Parallel()
	for name, of := range map[int64]fs.FS{
		1: fstest.MapFS{"README.md": {}}, 12: fstest.MapFS{"00012_b.sql": {}, "00003_a.sql": {}},
	} {
		if got, err := (Set{Migrations: of}).Number(); got != name || err != nil {
			t.Errorf("number %d, %v; want %d", got, err, name)
		}
	}
}
