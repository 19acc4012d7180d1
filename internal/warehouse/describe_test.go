package warehouse_test

import (
	"os"
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
