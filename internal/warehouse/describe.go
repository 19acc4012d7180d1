package warehouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/schema"
)

// Describe puts the words of the data dictionary into the database, where they
// are others: SQL tools show them beside tables and columns. What is not there is
// left out.
func (db *DB) Describe(ctx context.Context) error {
	return db.Do(ctx, "describe", migrateTimeout, db.describe)
}

func (db *DB) describe(ctx context.Context) error {
	tables, columns, err := db.comments(ctx)
	if err != nil {
		return fmt.Errorf("read comments: %w", err)
	}
	for _, t := range schema.Documented() {
		now, there := tables[t.Name]
		if !there || now.engine == "Dictionary" || now.engine == "MaterializedView" {
			continue
		}
		var changes []string
		if now.comment != t.Comment {
			changes = append(changes, "MODIFY COMMENT "+quoteText(t.Comment))
		}
		for _, c := range t.Columns {
			if said, there := columns[t.Name+"."+c.Name]; there && said != c.Comment {
				changes = append(changes, "COMMENT COLUMN "+quoteName(c.Name)+" "+quoteText(c.Comment))
			}
		}
		if len(changes) == 0 {
			continue
		}
		if err := db.Exec(ctx, "ALTER TABLE "+quoteName(t.Name)+" "+strings.Join(changes, ", ")); err != nil {
			return fmt.Errorf("describe %s: %w", t.Name, err)
		}
	}
	return nil
}

type described struct{ engine, comment string }

// comments are the engines and comments of tables, and the comments of columns.
func (db *DB) comments(ctx context.Context) (tables map[string]described, columns map[string]string, err error) {
	tables, columns = map[string]described{}, map[string]string{}
	err = db.Query(ctx, "SELECT name, engine, comment FROM system.tables WHERE database = currentDatabase()", nil, func(r driver.Rows) error {
		var name string
		var d described
		err := r.Scan(&name, &d.engine, &d.comment)
		tables[name] = d
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	err = db.Query(ctx, "SELECT table || '.' || name, comment FROM system.columns WHERE database = currentDatabase()", nil, func(r driver.Rows) error {
		var name, comment string
		err := r.Scan(&name, &comment)
		columns[name] = comment
		return err
	})
	return tables, columns, err
}
