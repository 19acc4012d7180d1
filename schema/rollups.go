package schema

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// Rollup is how the rows of a table are worked out for a span of days. Its statements
// run one after the other, and each may run again. What stands in them for the span:
// {from} and {to}; {back} and {ahead}, as far from these as a call may concern a
// missed one; {before}, as far from {from} as a call makes another a repeated one;
// {version}, of the rows that are written; {which}, a condition on recordings.
type Rollup struct {
	Columns    []string // of the table, but for version and is_deleted
	Statements []string
}

// columnsOf finds the columns into which a statement inserts.
var columnsOf = regexp.MustCompile(`INSERT INTO (\w+)\s*\(([\w\s,]+)\)`)

// readRollups reads rollups/TABLE.sql. {columns} stands there for what the first
// statement lists, less version and is_deleted.
func readRollups(files fs.FS) (map[string]Rollup, error) {
	names, err := fs.Glob(files, "rollups/*.sql")
	if err != nil {
		return nil, err
	}
	out := map[string]Rollup{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		m := columnsOf.FindStringSubmatch(string(text))
		if m == nil || m[1] != base(name) {
			return nil, fmt.Errorf("%s: want it to begin with INSERT INTO %s (columns)", name, base(name))
		}
		var columns []string
		for column := range strings.SplitSeq(m[2], ",") {
			if column = strings.TrimSpace(column); column != "version" && column != "is_deleted" {
				columns = append(columns, column)
			}
		}
		filled := strings.ReplaceAll(string(text), "{columns}", strings.Join(columns, ", "))
		out[base(name)] = Rollup{columns, statements(filled)}
	}
	return out, nil
}
