// Package catalogue keeps the catalogue of recordings in the warehouse: the tables
// recordings, recordings_open and custody. It implements what the stages archive,
// fixity, standing and custody ask of the warehouse, and what relay announces.
//
// The columns of a row stand once, in row.go. recordings_open holds the few rows that
// somebody must care for: openrecordings.go. The archive's jobs ask and write through
// an Archive, one by one; all others through DB.
//
// It stands on package calls: a recording belongs to a call, and whether it is short
// follows from the call's talk.
package catalogue

import (
	"context"

	"fonoteka/internal/call"
	"fonoteka/internal/catalogstats"
	"fonoteka/internal/custody"
	"fonoteka/internal/fixity"
	"fonoteka/internal/relay"
	"fonoteka/internal/warehouse"
)

// DB is the warehouse as far as it is about recordings. It embeds the engine, as
// calls.DB does.
type DB struct{ *warehouse.DB }

// New makes one.
func New(db *warehouse.DB) *DB { return &DB{db} }

var (
	_ relay.Catalogue        = (*DB)(nil)
	_ fixity.Rows            = (*DB)(nil)
	_ fixity.Custody         = (*DB)(nil)
	_ catalogstats.Catalogue = (*DB)(nil)
	_ custody.Rows           = (*DB)(nil)
)

// Key is the key of a row of the catalogue.
type Key struct{ Integration, ID string }

// keyOf is the key of a recording's row.
func keyOf(r call.Recording) Key { return Key{r.Integration, r.ID} }

// withKeys sends keys as the external table asked (integration, recording_id).
func withKeys(ctx context.Context, n int, key func(i int) Key) (context.Context, error) {
	return warehouse.WithTable(ctx, "asked", warehouse.Fields{{"integration", "String"}, {"recording_id", "String"}}, n,
		func(i int) []any { return []any{key(i).Integration, key(i).ID} })
}
