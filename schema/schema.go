// Package schema holds the warehouse's tables, views, dictionaries and rollups as SQL.
//
//   - tables/TOPIC.sql are the tables, and the materialized views that fill some of
//     them: all of them together are migration 1, the baseline.
//   - migrations/NNNNN_topic.sql, from 2 on, are what has changed of tables since,
//     in the form of pressly/goose.
//   - views/NAME.sql are the plain views, one in each file, and dictionaries/NAME.sql
//     the dictionaries. They are no migrations: the text in the file is the only
//     definition. They are made anew, in order of dependency, whenever a database
//     has others (warehouse.DB.Migrate).
//   - rollups/TABLE.sql fill the tables that reports read instead of calls, for some
//     days at a time. Where a view live_TABLE says what such a table holds, it reads
//     that; only what looks behind or ahead of the days is written out there.
//   - README.md is the data dictionary.
//
// A migration, once released, never changes, and that is so for tables/, too. No
// database is named in any statement: they apply to the connection's own. Every
// statement may run again, also next to another process that runs it at the same
// moment (CREATE … IF NOT EXISTS, ADD COLUMN IF NOT EXISTS): ClickHouse has no
// locks and no transactions over DDL, so repeatability is what makes a crash
// half-way and two migrators at once end in the same schema.
//
// Every table's insert is on disk when it is acknowledged (fsync_after_insert,
// fsync_part_directory): whoever moves a cursor after an insert relies on it.
//
// # How to change it
//
// A table: a new file in migrations, whose number is the next one, with
// "-- +goose NO TRANSACTION" and "-- +goose Up" above its statements. To add a
// column of recordings:
//
//	ALTER TABLE recordings ADD COLUMN IF NOT EXISTS codec LowCardinality(String) AFTER size;
//
// Then README.md, which a test compares with the database, the rollup that fills
// the table if it is one, and seed. A materialized view names its columns: where
// the new one is to pass through it, the migration drops it and creates it anew,
// between two inserts of which the first is missing from its target; so it comes
// with an INSERT … SELECT that brings the rest. A migration reads tables only, as
// views may be those of another version while it runs.
//
// A view or dictionary: edit its file, add one, or remove it, and run
//
//	go test ./schema -update
//
// which raises the revision in views/revision.txt. Of two programs on one database
// the one with the higher schema number has its way, then the one with the higher
// revision, whichever starts last: so the views do not change to and fro. A
// database keeps the views of the higher one where somebody goes back to a program
// with the same schema number.
package schema

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed tables/*.sql migrations views/*.sql views/revision.txt dictionaries/*.sql rollups/*.sql
var files embed.FS

// Set is everything that a program makes in a database.
type Set struct {
	Baseline   []Topic
	Migrations fs.FS // NNNNN_topic.sql from 2 on, if any
	Views      Views
	Rollups    map[string]Rollup // by table
}

// Topic is a file of tables.
type Topic struct {
	Name       string // recordings
	Statements []string
}

// Current is this program's set.
func Current() (Set, error) {
	var s Set
	names, err := fs.Glob(files, "tables/*.sql")
	if err != nil {
		return s, err
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return s, err
		}
		s.Baseline = append(s.Baseline, Topic{base(name), statements(string(text))})
	}
	if s.Migrations, err = fs.Sub(files, "migrations"); err != nil {
		return s, err
	}
	if s.Views, err = readViews(files); err != nil {
		return s, err
	}
	s.Rollups, err = readRollups(files)
	return s, err
}

// Number is that of the newest migration; 1 where there is none but the baseline.
func (s Set) Number() (int64, error) {
	newest := int64(1)
	names, err := fs.Glob(s.Migrations, "*.sql")
	if err != nil {
		return 0, fmt.Errorf("list migrations: %w", err)
	}
	for _, name := range names {
		n, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", name, err)
		}
		newest = max(newest, n)
	}
	return newest, nil
}

func base(name string) string { return strings.TrimSuffix(path.Base(name), ".sql") }

// statements are those of a text: each ends with a line that ends with a semicolon
// and is no comment.
func statements(text string) []string {
	var out []string
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(line)
		if trimmed := strings.TrimSpace(line); strings.HasSuffix(trimmed, ";") && !strings.HasPrefix(trimmed, "--") {
			out = append(out, strings.TrimSpace(b.String()))
			b.Reset()
		}
	}
	if rest := strings.TrimSpace(b.String()); rest != "" {
		out = append(out, rest)
	}
	return out
}
