// Package reports keeps what the reports go by in the warehouse: the rollups and their
// state, settings of reports, the production calendar, and addresses of pages. It
// implements what the stage rollup asks of the warehouse. How a table is filled from
// calls is SQL, in schema/rollups; how it is read are views, in schema/views.
package reports

import (
	"fonoteka/internal/rollup"
	"fonoteka/internal/warehouse"
)

// DB is the warehouse as far as it is about reports. It embeds the engine, as calls.DB
// does.
type DB struct{ *warehouse.DB }

// New makes one.
func New(db *warehouse.DB) *DB { return &DB{db} }

var _ rollup.Store = (*DB)(nil)
