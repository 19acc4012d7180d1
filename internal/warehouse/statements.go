package warehouse

import (
	"context"
	"maps"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// The driver's types, under names by which topics use them without importing it.
type (
	Rows     = driver.Rows         // of an answer, one at a time
	Row      = driver.Row          // the only one of an answer
	Batch    = driver.Batch        // rows on their way into a table
	Settings = clickhouse.Settings // of the server, for one query
)

// insertSettings hold for every insert: acknowledged means stored, whatever the
// user's profile says. A call's rows may lie in any month, and a batch in more
// than the 100 partitions allowed by default.
var insertSettings = Settings{
	"async_insert":                    0,
	"max_partitions_per_insert_block": 0,
	"input_format_null_as_default":    0,
}

// Insert sends one batch to a table and waits until it is on disk. Call it within Do.
func (db *DB) Insert(ctx context.Context, table, columns string, rows int, fill func(Batch) error) error {
	if rows == 0 {
		return nil
	}
	ctx = WithSettings(ctx, maps.Clone(insertSettings))
	b, err := db.conn.PrepareBatch(ctx, "INSERT INTO "+table+" ("+columns+")")
	if err != nil {
		return err
	}
	defer b.Close()
	if err := fill(b); err != nil {
		return err
	}
	if err := b.Send(); err != nil {
		return err
	}
	db.metrics.rows.WithLabelValues(table).Add(float64(rows))
	return nil
}

// InsertSelect runs an INSERT … SELECT, as durable as Insert. Call it within Do.
func (db *DB) InsertSelect(ctx context.Context, sql string, args ...any) error {
	return db.conn.Exec(WithSettings(ctx, maps.Clone(insertSettings)), sql, args...)
}

// Query runs one read and gives each row to scan. Call it within Do.
func (db *DB) Query(ctx context.Context, sql string, args []any, scan func(Rows) error) error {
	rows, err := db.conn.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// QueryRow reads one row. Call it within Do.
func (db *DB) QueryRow(ctx context.Context, sql string, args ...any) Row {
	return db.conn.QueryRow(ctx, sql, args...)
}

// Select reads all rows into the slice of structs that dest points to, whose fields
// have tags ch. Call it within Do.
func (db *DB) Select(ctx context.Context, dest any, sql string, args ...any) error {
	return db.conn.Select(ctx, dest, sql, args...)
}

// Exec runs a statement that has no answer. Call it within Do.
func (db *DB) Exec(ctx context.Context, sql string, args ...any) error {
	return db.conn.Exec(ctx, sql, args...)
}

// Statements are those that fill a table of the reports, with the places that the
// caller fills in (schema/rollups); false where nothing fills it.
func (db *DB) Statements(table string) ([]string, bool) {
	fill, known := db.schema.Rollups[table]
	return fill.Statements, known
}

// WithSettings adds settings to the queries of the returned context.
func WithSettings(ctx context.Context, s Settings) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(s))
}

// Fields are the columns of an external table, each with its name and type.
type Fields [][2]string

// WithTable adds an external table to the queries of the returned context: the keys
// of a lookup, sent beside the query as data. Literals would be parsed one by one and
// hit the limits on a query's length.
func WithTable(ctx context.Context, name string, fields Fields, rows int, row func(i int) []any) (context.Context, error) {
	cols := make([]func(*ext.Table) error, len(fields))
	for i, f := range fields {
		cols[i] = ext.Column(f[0], column.Type(f[1]))
	}
	t, err := ext.NewTable(name, cols...)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if err := t.Append(row(i)...); err != nil {
			return nil, err
		}
	}
	return clickhouse.Context(ctx, clickhouse.WithExternalTable(t)), nil
}

// quoteName quotes an identifier.
func quoteName(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(s) + "`"
}
