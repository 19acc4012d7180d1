package warehouse

import "context"

// Refusals are the codes that IsRefusal knows, with their names.
var Refusals = refusals

// Exec runs SQL that changes something, which Query does not.
func (db *DB) Exec(ctx context.Context, sql string) error { return db.conn.Exec(ctx, sql) }

// Compressed reports whether a connection packs what it sends.
func (o Options) Compressed() bool { return o.native().Compression != nil }
