// Package calls keeps notifications, calls and their links in the warehouse: the tables
// events, touched and rejected; call_keys, calls, legs and calls_by_client; call_actions
// and call_links. It implements what the stages relay, cdr, links and arrivals ask of
// the warehouse.
//
// The columns of a row stand once, in rows.go: how rows are written, read back and
// hashed follows from there. Rejected: a package for each stage, since most reads of
// calls go through the same keys, months and FINAL (stored.go).
package calls

import (
	"context"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/correlate"
	"fonoteka/internal/relay"
	"fonoteka/internal/volume"
	"fonoteka/internal/warehouse"
)

// DB is the warehouse as far as it is about calls. It embeds the engine, so that who
// keeps a position beside the rows asks one value for both.
type DB struct{ *warehouse.DB }

// New makes one.
func New(db *warehouse.DB) *DB { return &DB{db} }

var (
	_ relay.Warehouse = (*DB)(nil)
	_ relay.Replayer  = (*DB)(nil)
	_ cdr.Store       = (*DB)(nil)
	_ cdr.Archive     = (*DB)(nil)
	_ correlate.Store = (*DB)(nil)
	_ volume.Source   = (*DB)(nil)
)

// WithKeys sends groups as the external table asked (integration, group_id).
func WithKeys(ctx context.Context, keys []call.GroupKey) (context.Context, error) {
	return warehouse.WithTable(ctx, "asked", warehouse.Fields{{"integration", "String"}, {"group_id", "UInt64"}}, len(keys),
		func(i int) []any { return []any{keys[i].Integration, keys[i].GroupID} })
}
