package warehouse

import (
	"context"
	"database/sql"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/call"
	"fonoteka/schema"
)

// Refusals are the codes that IsRefusal knows, with their names.
var Refusals = refusals

// Exec runs SQL that changes something, which Query does not.
func (db *DB) Exec(ctx context.Context, sql string) error { return db.conn.Exec(ctx, sql) }

// Make has Migrate make another program's schema.
func (db *DB) Make(s schema.Set) { db.schema = s }

// OpenStd has Migrate use other connections of database/sql.
func (db *DB) OpenStd(open func(*clickhouse.Options) *sql.DB) { db.openStd = open }

// Compressed reports whether a connection packs what it sends.
func (o Options) Compressed() bool { return o.native().Compression != nil }

// CustodyOf reads a recording's chain of custody in order of time.
func (db *DB) CustodyOf(ctx context.Context, integration, id string) ([]call.Custody, error) {
	var out []call.Custody
	err := db.do(ctx, "read custody", readTimeout, func(ctx context.Context) error {
		return db.query(ctx, `
			SELECT integration, recording_id, at, step, attempt, sha256, detail
			FROM custody FINAL
			WHERE integration = ? AND recording_id = ?
			ORDER BY at, attempt, step`, []any{integration, id}, func(r driver.Rows) error {
			var c call.Custody
			var attempt uint32
			err := r.Scan(&c.Integration, &c.RecordingID, &c.At, &c.Step, &attempt, &c.SHA256, &c.Detail)
			c.At, c.Attempt = fromMilli(c.At), int(attempt)
			out = append(out, c)
			return err
		})
	})
	return out, err
}

// Grouped asks for one key, in rounds.
func Grouped[K comparable, V any](read func(context.Context, []K) (map[K]V, error)) func(context.Context, K) (V, bool, error) {
	return (&group[K, V]{read: read}).get
}

// GatherAfter takes the rows that follow upon a batch of size, and returns how many.
func (w *Writer) GatherAfter(ctx context.Context, size int) int {
	w.pace.begin(size)
	return len(w.gather(ctx, <-w.queue))
}
