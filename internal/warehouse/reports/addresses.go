package reports

import (
	"context"
	"time"

	"fonoteka/internal/warehouse"
)

// SaveAddress keeps where people reach a part of the installation; one that is
// stored already is not written again.
func (db *DB) SaveAddress(ctx context.Context, name, url string) error {
	return db.Do(ctx, "save address", warehouse.InsertTimeout, func(ctx context.Context) error {
		stored := ""
		err := db.Query(ctx, "SELECT url FROM addresses FINAL WHERE name = ?", []any{name}, func(r warehouse.Rows) error { return r.Scan(&stored) })
		if err != nil || stored == url {
			return err
		}
		return db.Insert(ctx, "addresses", "name, url, version", 1, func(b warehouse.Batch) error {
			return b.Append(name, url, uint64(time.Now().UnixMilli()))
		})
	})
}
