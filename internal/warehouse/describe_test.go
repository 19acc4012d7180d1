package warehouse_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/schema"
)

// What the data dictionary says of tables, columns and types is so, all of it is
// there, and SQL tools are told the same.
func TestDataDictionaryIsTheSchema(t *testing.T) {
	t.Parallel()
	db := open(t)
	must(t, db.Describe(t.Context()))
	must(t, db.Describe(t.Context())) // there is nothing left to say
	live := strings.Split(ask(t, db, `SELECT table || ' ' || name || ' ' || type FROM system.columns
		WHERE database = currentDatabase() AND table != 'goose_db_version' AND NOT startsWith(table, 'live_') ORDER BY table, position FORMAT TSVRaw`), "\n")
	var told []string
	for _, t := range schema.Documented() {
		for _, c := range t.Columns {
			told = append(told, t.Name+" "+c.Name+" "+c.Type)
		}
	}
	slices.Sort(live)
	slices.Sort(told)
	if diff := cmp.Diff(told, live); diff != "" {
		t.Errorf("schema/README.md (-) and the database (+):\n%s", diff)
	}
	if silent := ask(t, db, `SELECT table, name FROM system.columns JOIN system.tables ON tables.database = columns.database AND tables.name = columns.table
		WHERE database = currentDatabase() AND table != 'goose_db_version' AND NOT startsWith(table, 'live_')
		AND columns.comment = '' AND engine NOT IN ('Dictionary', 'MaterializedView')`); silent != "" {
		t.Errorf("no comment in the database:\n%s", silent)
	}
}

// Each column of the catalogue has its line in the table of where a rebuild has it
// from.
func TestEveryColumnOfTheCatalogueIsRebuiltFromSomewhere(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../../schema/README.md")
	must(t, err)
	_, table, ok := strings.Cut(string(file), "| columns of recordings | after a rebuild |\n|---|---|\n")
	if !ok {
		t.Fatal("schema/README.md has no such table")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var told, live []string
	for line := range strings.Lines(table) {
		told = append(told, strings.Split(strings.Split(line, "|")[1], ",")...)
	}
	for i := range told {
		told[i] = strings.TrimSpace(told[i])
	}
	for _, t := range schema.Documented() {
		for _, c := range t.Columns {
			if t.Name == "recordings" {
				live = append(live, c.Name)
			}
		}
	}
	slices.Sort(live)
	slices.Sort(told)
	if diff := cmp.Diff(live, told); diff != "" {
		t.Errorf("recordings (-) and the table (+):\n%s", diff)
	}
}

// A rollup's table holds what its live view says.
func TestRollupsHaveTheColumnsOfTheirViews(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, table := range []string{
		"hourly_calls", "hourly_starts", "daily_calls", "hourly_workplaces", "daily_workplaces", "hourly_departments", "daily_durations", "daily_accounts", "longest_waits", "hourly_callbacks",
	} {
		columns := func(of string) string {
			return ask(t, db, "SELECT groupArray(name) FROM (SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '"+of+"' AND name NOT IN ('version', 'is_deleted') ORDER BY position)")
		}
		if diff := cmp.Diff(columns("live_"+table), columns(table)); diff != "" {
			t.Errorf("%s: the view (-) and the table (+):\n%s", table, diff)
		}
	}
}

// A rollup's statements name every column of its table, and select them under the
// same names in the same order.
func TestRollupsNameEveryColumnOfTheirTables(t *testing.T) {
	t.Parallel()
	db := open(t)
	s, err := schema.Current()
	must(t, err)
	filled := strings.Fields(ask(t, db, `SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
		AND (startsWith(name, 'hourly_') OR startsWith(name, 'daily_') OR name IN ('longest_waits', 'missed_calls', 'orphan_recordings')) ORDER BY name`))
	if diff := cmp.Diff(filled, slices.Sorted(maps.Keys(s.Rollups))); diff != "" {
		t.Errorf("tables (-) and schema/rollups (+):\n%s", diff)
	}
	span := strings.NewReplacer(
		"{from}", "now64(3, 'UTC')", "{to}", "now64(3, 'UTC')", "{back}", "now64(3, 'UTC')", "{ahead}", "now64(3, 'UTC')",
		"{before}", "now64(3, 'UTC')", "{version}", "1", "{which}", "true")
	insert := regexp.MustCompile(`(?s)^(?:--[^\n]*\n)*INSERT INTO (\w+)\s*\(([\w\s,]+)\)\s*(.*);$`)
	for table, rollup := range s.Rollups {
		columns := strings.Fields(ask(t, db, "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '"+table+"' AND default_kind = '' ORDER BY name"))
		if diff := cmp.Diff(columns, slices.Sorted(slices.Values(append([]string{"version", "is_deleted"}, rollup.Columns...)))); diff != "" {
			t.Errorf("%s: the table (-) and its rollup (+):\n%s", table, diff)
		}
		for _, statement := range rollup.Statements {
			m := insert.FindStringSubmatch(statement)
			if m == nil || m[1] != table {
				t.Errorf("%s: not an insert with columns:\n%s", table, statement)
				continue
			}
			var listed []string
			for name := range strings.SplitSeq(m[2], ",") {
				listed = append(listed, strings.TrimSpace(name))
			}
			selected := strings.Split(ask(t, db, "SELECT * FROM (\n"+span.Replace(m[3])+"\n) LIMIT 0 FORMAT TSVWithNames"), "\t")
			if diff := cmp.Diff(listed, selected); diff != "" {
				t.Errorf("%s: listed (-) and selected (+):\n%s", table, diff)
			}
		}
	}
}
