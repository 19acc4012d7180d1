// Package exports gives package export what a package for outsiders is made of: the
// selection of calls with all that belongs to it (Source), and the audit with the table
// exports (Trail).
//
// A selection is fixed by the keys and versions of its calls, which one query reads: what
// is asked for afterwards are these rows, in these versions, and the server keeps rows of
// before until it merges them. Where it has merged them meanwhile, the selection is refused
// with ErrMoved, and is to be fixed anew. Rejected: a copy of the rows in a table of its
// own, which would write to the warehouse what is written to the package anyway.
//
// Keys go to the server as data beside the query, and what a person typed as parameters.
package exports

import (
	"context"
	"errors"
	"time"

	"fonoteka/internal/export"
	"fonoteka/internal/pack"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/trails"
)

// ErrMoved says that calls of the selection were written anew while it was read.
var ErrMoved = errors.New("calls of the selection changed while they were read: try again")

// DB is the warehouse as far as it is about packages. It embeds the engine, as calls.DB does.
type DB struct{ *warehouse.DB }

// New makes one.
func New(db *warehouse.DB) *DB { return &DB{db} }

var (
	_ export.Source = (*Source)(nil)
	_ export.Trail  = (*Trail)(nil)
)

// Source is a selection of calls.
type Source struct {
	db        *DB
	catalogue *catalogue.DB
	trails    *trails.DB
	store     Store
	choice    pack.Selection
	until     time.Time // notifications that were received later are left out

	names     []string // of integrations, by number
	calls     []selected
	named     []naming
	unmatched []string
	noParquet error
}

// Source makes a Source; nothing is asked yet.
func (db *DB) Source(choice pack.Selection, store Store) *Source {
	return &Source{db: db, catalogue: catalogue.New(db.DB), trails: trails.New(db.DB), store: store, choice: choice}
}

// NoParquet says why there is no Parquet; nil: there is, or it was not asked for.
func (s *Source) NoParquet() error { return s.noParquet }

// Zone is the company's clock: that of the integration's reports, or of all where they
// have one; UTC where it is not known.
func (db *DB) Zone(ctx context.Context, integration string) (*time.Location, error) {
	var zones []string
	err := db.Do(ctx, "read the time zone", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.QueryRow(ctx, "SELECT groupUniqArray(toString(zone)) FROM report_settings FINAL WHERE ? IN ('', integration)", integration).Scan(&zones)
	})
	if err != nil || len(zones) != 1 {
		return time.UTC, err
	}
	return time.LoadLocation(zones[0])
}
