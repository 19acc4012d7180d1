package warehouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// SaveAddress keeps where people reach a part of the installation; one that is
// stored already is not written again.
func (db *DB) SaveAddress(ctx context.Context, name, url string) error {
	return db.do(ctx, "save address", InsertTimeout, func(ctx context.Context) error {
		stored := ""
		err := db.query(ctx, "SELECT url FROM addresses FINAL WHERE name = ?", []any{name}, func(r driver.Rows) error { return r.Scan(&stored) })
		if err != nil || stored == url {
			return err
		}
		return db.insert(ctx, "addresses", "name, url, version", 1, func(b driver.Batch) error {
			return b.Append(name, url, uint64(time.Now().UnixMilli()))
		})
	})
}
