package warehouse

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// insertSettings hold for every insert: acknowledged means stored, whatever the
// user's profile says. A call's rows may lie in any month, and a batch in more
// than the 100 partitions allowed by default.
var insertSettings = clickhouse.Settings{
	"async_insert":                    0,
	"max_partitions_per_insert_block": 0,
	"input_format_null_as_default":    0,
}

// insert sends one batch to a table and waits until it is on disk.
func (db *DB) insert(ctx context.Context, table, columns string, rows int, fill func(driver.Batch) error) error {
	if rows == 0 {
		return nil
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(maps.Clone(insertSettings)))
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

// query runs one read and gives each row to scan.
func (db *DB) query(ctx context.Context, sql string, args []any, scan func(driver.Rows) error) error {
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

// A field is a column of an external table: the keys of a lookup, sent beside
// the query as data. Literals would be parsed one by one and hit the limits on
// a query's length.
type field struct {
	name string
	kind column.Type
}

// withTable adds an external table to the queries of the returned context.
func withTable(ctx context.Context, name string, fields []field, rows int, row func(i int) []any) (context.Context, error) {
	cols := make([]func(*ext.Table) error, len(fields))
	for i, f := range fields {
		cols[i] = ext.Column(f.name, f.kind)
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

// Times as the tables hold them. The zero time is 1970 in a column that is not
// nullable: no call and no recording of this platform is that old.

func toMilli(t time.Time) time.Time {
	if t.IsZero() {
		return time.UnixMilli(0).UTC()
	}
	return clampTime(t)
}

func fromMilli(t time.Time) time.Time {
	if t.UnixMilli() == 0 {
		return time.Time{}
	}
	return t.UTC()
}

func toNullable(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = clampTime(t)
	return &t
}

func fromNullable(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// The years that DateTime64 and its partitions surely hold. Callers have
// narrower rules of their own for what they believe.
var (
	minTime = time.Date(1970, 1, 1, 0, 0, 0, int(time.Millisecond), time.UTC)
	maxTime = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

func clampTime(t time.Time) time.Time {
	t = time.UnixMilli(t.UnixMilli()).UTC() // down to whole milliseconds
	if t.Before(minTime) {
		return minTime
	}
	if t.After(maxTime) {
		return maxTime
	}
	return t
}

// toMS is a duration in whole milliseconds, from 0 to 49 days.
func toMS(d time.Duration) uint32 {
	return uint32(min(max(d.Milliseconds(), 0), 1<<32-1))
}

func fromMS(ms uint32) time.Duration { return time.Duration(ms) * time.Millisecond }

func toNullableMS(d time.Duration, known bool) *uint32 {
	if !known {
		return nil
	}
	ms := toMS(d)
	return &ms
}

func fromNullableMS(ms *uint32) (time.Duration, bool) {
	if ms == nil {
		return 0, false
	}
	return fromMS(*ms), true
}

// quoteName quotes an identifier.
func quoteName(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(s) + "`"
}
