package schema

import (
	_ "embed"
	"regexp"
	"strings"
)

//go:embed README.md
var readme string

// Table is what README.md says of a table or view.
type Table struct {
	Name    string
	Comment string
	Columns []Column
}

// Column is a line of it.
type Column struct{ Name, Type, Comment string }

// Documented is the data dictionary in README.md, table by table. Its words are put
// into the database, too, so that SQL tools show them (warehouse.Describe).
func Documented() []Table {
	var tables []Table
	line := regexp.MustCompile("^\\| ([a-z0-9_]+) \\| `(.+)` \\| (.+) \\|$")
	for text := range strings.Lines(readme) {
		text = strings.TrimSpace(text)
		if name, ok := strings.CutPrefix(text, "### "); ok {
			tables = append(tables, Table{Name: name})
			continue
		}
		if len(tables) == 0 {
			continue
		}
		t := &tables[len(tables)-1]
		if m := line.FindStringSubmatch(text); m != nil {
			t.Columns = append(t.Columns, Column{m[1], m[2], strings.ReplaceAll(m[3], `\|`, "|")})
		} else if t.Comment == "" && text != "" && !strings.HasPrefix(text, "|") {
			t.Comment = text
		}
	}
	return tables
}

// Queries are the questions of README.md, in SQL.
func Queries() []string {
	var queries []string
	for _, m := range regexp.MustCompile("(?s)```sql\n(.+?)```").FindAllStringSubmatch(readme, -1) {
		queries = append(queries, strings.TrimSpace(m[1]))
	}
	return queries
}
