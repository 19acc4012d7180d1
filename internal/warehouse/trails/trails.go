// Package trails keeps the trails of the audit, of every writer, in the table audit. It
// implements what package audit asks of the warehouse, to ship entries and to verify
// them.
package trails

import (
	"fonoteka/internal/audit"
	"fonoteka/internal/warehouse"
)

// DB is the warehouse as far as it is about the audit. It embeds the engine, as calls.DB
// does.
type DB struct{ *warehouse.DB }

// New makes one.
func New(db *warehouse.DB) *DB { return &DB{db} }

var (
	_ audit.Table  = (*DB)(nil)
	_ audit.Source = (*DB)(nil)
)
