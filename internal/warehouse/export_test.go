package warehouse

import (
	"context"
	"database/sql"

	"github.com/ClickHouse/clickhouse-go/v2"

	"fonoteka/schema"
)

// Refusals are the codes that IsRefusal knows, with their names.
var Refusals = refusals

// Make has Migrate make another program's schema.
func (db *DB) Make(s schema.Set) { db.schema = s }

// OpenStd has Migrate use other connections of database/sql.
func (db *DB) OpenStd(open func(*clickhouse.Options) *sql.DB) { db.openStd = open }

// Compressed reports whether a connection packs what it sends.
func (o Options) Compressed() bool { return o.native().Compression != nil }

// GatherAfter takes what comes upon a batch of size, and returns how much.
func (b *Batcher[T]) GatherAfter(ctx context.Context, size int) int {
	b.interval.flushed(size)
	return len(b.gather(ctx, <-b.queue))
}

// Scrub hides the passwords in the words of an error.
func (o Options) Scrub(err error) error { return o.scrub(err) }
