package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"

	"fonoteka/schema"
)

const migrateTimeout = 30 * time.Minute

// Migration is one step that Migrate took.
type Migration struct {
	Version int64
	Name    string // file name
	Took    time.Duration
}

// Migrate makes the database, if there is none, and brings its schema to this
// program's version; progress (may be nil) hears of each step, and Options.Log of
// one that takes long. Dictionaries are made anew each time, with the user and
// password of today. It may run in several processes at once, and again after a
// crash: every statement can be repeated, and goose's table of versions, a plain
// MergeTree, bears a version twice. A database of a newer program is left alone:
// ErrNewer.
//
// goose is used as a library for reading, splitting and ordering the files and
// for the table of versions (goose_db_version); its locks exist for Postgres
// and MySQL only, and none is needed here.
func (db *DB) Migrate(ctx context.Context, progress func(Migration)) error {
	return db.migrate(ctx, func(ctx context.Context, std *sql.DB) error {
		if err := db.createDatabase(ctx); err != nil {
			return err
		}
		return up(ctx, std, db.log, db.opts.makeDictionaries(std), progress)
	})
}

func (db *DB) migrate(ctx context.Context, use func(ctx context.Context, std *sql.DB) error) error {
	return db.do(ctx, "migrate", migrateTimeout, func(ctx context.Context) error {
		o := db.opts.native()
		o.MaxIdleConns, o.MaxOpenConns = 1, 2
		std := clickhouse.OpenDB(o)
		defer std.Close()
		return use(ctx, std)
	})
}

func provider(std *sql.DB, log *slog.Logger, more ...goose.ProviderOption) (*goose.Provider, error) {
	p, err := goose.NewProvider(goose.DialectClickHouse, std, schema.FS(), append(more,
		goose.WithDisableGlobalRegistry(true),
		goose.WithGoMigrations(newestFirst(log)),
		goose.WithAllowOutofOrder(true),
		goose.WithIsolateDDL(true))...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

// MakeCatalogue makes those tables and views of the catalogue of recordings that
// were dropped: recordings, custody, recordings_open and what fills it. Migrate
// does not, as their migrations have been applied. What is there stays as it is:
// rows that only recordings_open has left are in recordings again, while what it
// knows to be settled no longer stands against a new announcement.
func (db *DB) MakeCatalogue(ctx context.Context) error {
	return db.migrate(ctx, func(ctx context.Context, std *sql.DB) error {
		p, err := provider(std, db.log, goose.WithDisableVersioning(true))
		if err != nil {
			return err
		}
		for _, version := range []int64{3, 18, 45} { // all that make or change them; they may run again
			if _, err := p.ApplyVersion(ctx, version, true); err != nil {
				return fmt.Errorf("apply migration %d again: %w", version, err)
			}
		}
		for _, statement := range []string{
			`INSERT INTO recordings (` + recordingColumns + `) SELECT ` + recordingColumns + ` FROM recordings_open FINAL
			WHERE (integration, recording_id) NOT IN (
				SELECT integration, recording_id FROM recordings
				WHERE (integration, recording_id) IN (SELECT integration, recording_id FROM recordings_open))`,
			"OPTIMIZE TABLE recordings_open FINAL CLEANUP",
		} {
			if _, err := std.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("rows of recordings_open: %w", err)
			}
		}
		return nil
	})
}

func up(ctx context.Context, std *sql.DB, log *slog.Logger, dictionaries func(ctx context.Context, from, to int64) error, progress func(Migration)) error {
	p, err := provider(std, log)
	if err != nil {
		return err
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if current > target {
		return fmt.Errorf("schema version %d, this program knows %d: %w", current, target, ErrNewer)
	}
	if err := dictionaries(ctx, 0, current); err != nil {
		return err
	}
	for failures := 0; ; {
		// One at a time: the list is read anew, so that what another process
		// has done meanwhile is not done again. It may also rename or drop a
		// table under this one's hands.
		r, err := p.UpByOne(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			if err = takeBack(ctx, std, log); err == nil {
				return nil
			}
		}
		if raced[code(err)] && failures < 30 {
			failures++
			pause(ctx, 100*time.Millisecond)
			continue
		}
		if err != nil {
			return fmt.Errorf("apply migration: %w", err)
		}
		if err := dictionaries(ctx, r.Source.Version, r.Source.Version); err != nil {
			return err
		}
		if progress != nil {
			progress(Migration{r.Source.Version, r.Source.Path, r.Duration})
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// createDatabase connects to the user's default database, since the wanted one
// may not exist.
func (db *DB) createDatabase(ctx context.Context) error {
	o := db.opts.native()
	o.Auth.Database, o.MaxIdleConns, o.MaxOpenConns = "", 1, 1
	conn, err := clickhouse.Open(o)
	if err != nil {
		return err
	}
	defer conn.Close()
	var there uint64
	err = conn.QueryRow(ctx, "SELECT count() FROM system.databases WHERE name = ?", db.opts.Database).Scan(&there)
	if err != nil {
		return fmt.Errorf("look for database %s: %w", db.opts.Database, err)
	}
	if there > 0 { // whoever may not create databases needs no right to
		return nil
	}
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+quoteName(db.opts.Database)); err != nil {
		return fmt.Errorf("create database %s: %w", db.opts.Database, err)
	}
	return nil
}

// SchemaVersion is the number of the newest migration applied; 0 if there is
// no schema yet.
func (db *DB) SchemaVersion(ctx context.Context) (int64, error) {
	var v int64
	err := db.do(ctx, "schema version", readTimeout, func(ctx context.Context) error {
		err := db.conn.QueryRow(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&v)
		if c := code(err); c == codeUnknownTable || c == codeUnknownDatabase {
			return nil
		}
		return err
	})
	return v, err
}
