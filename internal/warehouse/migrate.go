package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"

	"fonoteka/schema"
)

const migrateTimeout = 30 * time.Minute

// Migration is one step that Migrate took.
type Migration struct {
	Version int64
	Name    string // 00001_baseline
	Took    time.Duration
}

// Migrate makes the database, if there is none, and brings its tables, then its
// views, to this program's version; progress (may be nil) hears of each migration.
// Dictionaries are made anew each time, with the user and password of today. It may
// run in several processes at once, and again after a crash: every statement can be
// repeated, and goose's table of versions, a plain MergeTree, bears a version twice.
// A database of a newer program, or of before the first release, is left alone:
// ErrNewer, ErrOlderLayout.
//
// goose is used as a library for reading, splitting and ordering the files and
// for the table of versions (goose_db_version); its locks exist for Postgres
// and MySQL only, and none is needed here.
func (db *DB) Migrate(ctx context.Context, progress func(Migration)) error {
	return db.migrate(ctx, func(ctx context.Context, std *sql.DB) error {
		if err := db.createDatabase(ctx); err != nil {
			return err
		}
		if err := db.refuseOlderLayout(ctx); err != nil {
			return err
		}
		if err := up(ctx, std, db.schema, progress); err != nil {
			return err
		}
		return db.bringViews(ctx, std)
	})
}

func (db *DB) migrate(ctx context.Context, use func(ctx context.Context, std *sql.DB) error) error {
	return db.Do(ctx, "migrate", migrateTimeout, func(ctx context.Context) error {
		o := db.opts.native()
		o.MaxIdleConns, o.MaxOpenConns = 1, 2
		std := db.openStd(o)
		defer std.Close()
		return use(ctx, std)
	})
}

func provider(std *sql.DB, s schema.Set, more ...goose.ProviderOption) (*goose.Provider, error) {
	p, err := goose.NewProvider(goose.DialectClickHouse, std, s.Migrations, append(more,
		goose.WithDisableGlobalRegistry(true),
		goose.WithGoMigrations(baseline(s)),
		goose.WithAllowOutofOrder(true),
		goose.WithIsolateDDL(true))...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

// baseline is migration 1: the tables of all topics.
func baseline(s schema.Set) *goose.Migration {
	m := goose.NewGoMigration(1, &goose.GoFunc{RunDB: func(ctx context.Context, std *sql.DB) error {
		for _, topic := range s.Baseline {
			for _, statement := range topic.Statements {
				if _, err := std.ExecContext(ctx, statement); err != nil {
					return fmt.Errorf("tables of %s: %w", topic.Name, err)
				}
			}
		}
		return nil
	}}, nil)
	m.Source = "00001_baseline.go" // goose wants a name of this form
	return m
}

func up(ctx context.Context, std *sql.DB, s schema.Set, progress func(Migration)) error {
	p, err := provider(std, s)
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
	var own []int64 // what this process has applied
	for {
		// One at a time: the list is read anew, so that what another process
		// has done meanwhile is not done again.
		r, err := p.UpByOne(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return catchUp(ctx, std, s, own)
		}
		if err != nil {
			return fmt.Errorf("apply migration: %w", err)
		}
		own = append(own, r.Source.Version)
		if progress != nil {
			progress(Migration{r.Source.Version, strings.TrimSuffix(r.Source.Path, path.Ext(r.Source.Path)), r.Duration})
		}
	}
}

// catchUp applies later migrations again if another process has applied one of them while
// this one was at an earlier: a view that this one made in its earlier form may stand where
// the other had just removed it to make the newer.
func catchUp(ctx context.Context, std *sql.DB, s schema.Set, own []int64) error {
	if len(own) == 0 {
		return nil
	}
	p, err := provider(std, s, goose.WithDisableVersioning(true))
	if err != nil {
		return err
	}
	var later []int64
	for _, m := range p.ListSources() {
		if m.Version > own[0] {
			later = append(later, m.Version)
		}
	}
	if slices.Equal(later, own[1:]) {
		return nil
	}
	for _, version := range later {
		if _, err := p.ApplyVersion(ctx, version, true); err != nil {
			return fmt.Errorf("apply migration again: %w", err)
		}
	}
	return nil
}

// MigrateAgain applies all migrations again, which any may be, so that tables which
// were dropped are as the newest one left them. Migrate does not, as it knows them to
// be applied. What is there stays as it is. then goes on over the same connection.
func (db *DB) MigrateAgain(ctx context.Context, then func(ctx context.Context, std *sql.DB) error) error {
	return db.migrate(ctx, func(ctx context.Context, std *sql.DB) error {
		p, err := provider(std, db.schema, goose.WithDisableVersioning(true))
		if err != nil {
			return err
		}
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("apply migrations again: %w", err)
		}
		return then(ctx, std)
	})
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
