// Package directories keeps the directories of all integrations in the warehouse, with
// their history, and what the operator was told of external numbers: the tables
// directory_* and parking. It implements what the stage directory asks of the warehouse.
package directories

import (
	"fonoteka/internal/directory"
	"fonoteka/internal/warehouse"
)

// DB is the warehouse as far as it is about directories. It embeds the engine, as
// calls.DB does.
type DB struct{ *warehouse.DB }

// New makes one.
func New(db *warehouse.DB) *DB { return &DB{db} }

var _ directory.Store = (*DB)(nil)
