// Package schema holds the warehouse's tables as numbered migrations. Number 33
// is in package warehouse, since it looks at what is there.
//
// A migration, once released, never changes; a change is a new number. Every
// statement may run again, also next to another process that runs it at the
// same moment (CREATE … IF NOT EXISTS, ADD COLUMN IF NOT EXISTS): ClickHouse
// has no locks and no transactions over DDL, so repeatability is what makes a
// crash half-way and two migrators at once end in the same schema. No database
// is named in them: they apply to the connection's own.
//
// Every table's insert is on disk when it is acknowledged (fsync_after_insert,
// fsync_part_directory): whoever moves a cursor after an insert relies on it.
package schema

import (
	"embed"
	"io/fs"
)

//go:embed migrations/*.sql
var files embed.FS

// FS holds the migrations, NNNNN_topic.sql, in the form of pressly/goose.
func FS() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the directory is compiled in
	}
	return sub
}
