// Package warehouse is the engine's side of ClickHouse: connections, statements,
// inserts, migrations, views, batching and errors. It is the only importer of
// clickhouse-go, and knows no stage.
//
// Who knows the tables' columns are the topics, packages below this folder: calls,
// catalogue, reports, directories and trails. A stage declares the interface that it
// asks and the types of its rows; a topic implements it, with this engine, and stands
// above the stages. So nothing has to be adapted where both are put together. What
// many stages keep under a name, their position, is here: Progress.
//
// When a writing method returns nil, its rows are on disk: inserts are
// synchronous and the tables fsync them. Every write may be repeated – after an
// error nobody can know whether it took effect – and ends in the same rows:
// the tables collapse by key, and versions are functions of the content. Every
// reading method of a topic sees collapsed rows (FINAL), whatever the
// server has merged so far.
//
// Open needs no server: connections are made when they are needed, and an
// outage is an error of each call, within its deadline, and over when the
// server is back. Whether a failed write is worth another try tells IsRefusal.
//
// clickhouse-go is used with its native protocol, not through database/sql:
// columns are sent as columns, and external tables carry the keys of a lookup
// of any size. Only migrations (pressly/goose) go through database/sql, and
// only QueryFormat goes over HTTP, where the server itself writes any of its formats.
package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/schema"
)

// How long one operation may take when the caller's context allows more.
const (
	// InsertTimeout bounds every insert. An insert that was given up by its
	// caller may still take effect up to five seconds later.
	InsertTimeout = time.Minute
	// ReadTimeout bounds the reading of some rows.
	ReadTimeout = 2 * time.Minute
	// WorkTimeout bounds what the server works out from a whole table: to roll up a
	// month of 600,000 calls takes some seconds on two cores.
	WorkTimeout = 10 * time.Minute
	// StreamTimeout bounds the reading of a table from end to end: much longer than
	// that of a few rows, and far from for ever.
	StreamTimeout = 30 * time.Minute

	dialTimeout = 10 * time.Second
	maxConns    = 8
)

// DB is a warehouse. Its methods may be called from many goroutines.
type DB struct {
	opts    Options
	log     *slog.Logger
	conn    driver.Conn
	metrics *metrics
	schema  schema.Set // what Migrate makes
	openStd func(*clickhouse.Options) *sql.DB

	mu       sync.Mutex
	failures int
	last     error
}

// Open prepares a warehouse; it talks to no server yet. It fails on options
// that cannot work.
func Open(o Options) (*DB, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("warehouse: %w", err)
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("warehouse: register metrics: %w", err)
	}
	set, err := schema.Current()
	if err != nil {
		return nil, fmt.Errorf("warehouse: read the schema: %w", err)
	}
	conn, err := clickhouse.Open(o.native())
	if err != nil {
		return nil, fmt.Errorf("warehouse: %w", o.scrub(err))
	}
	return &DB{opts: o, log: o.Log, conn: conn, metrics: m, schema: set, openStd: clickhouse.OpenDB}, nil
}

// Close closes the connections. Operations that run meanwhile fail.
func (db *DB) Close() error { return db.conn.Close() }

// Ping asks the server for a sign of life.
func (db *DB) Ping(ctx context.Context) error {
	return db.Do(ctx, "ping", dialTimeout, db.conn.Ping)
}

// Health tells how many operations have failed in a row, and the last failure.
// An answer of any kind, a refusal included, makes it 0 and nil.
func (db *DB) Health() (failures int, last error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.failures, db.last
}

// SealedDay is what Options.CustodySealed says; the zero time where nothing is sealed.
func (db *DB) SealedDay() time.Time {
	if db.opts.CustodySealed == nil {
		return time.Time{}
	}
	return db.opts.CustodySealed()
}

// Log is where a topic tells what does not fail an operation.
func (db *DB) Log() *slog.Logger { return db.log }

// Do runs one operation under a deadline of its own and takes note of its end in
// health and metrics. Every statement runs within one. Its errors name the operation
// and never hold the password.
func (db *DB) Do(ctx context.Context, op string, limit time.Duration, f func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := time.Now()
	err := f(bounded)
	if err != nil {
		if ended := bounded.Err(); ended != nil && !errors.Is(err, ended) {
			err = fmt.Errorf("%w: %w", ended, err)
		}
		err = fmt.Errorf("warehouse: %s: %w", op, db.opts.hinted(db.opts.scrub(err)))
	}
	result := db.note(ctx, err)
	db.metrics.ops.WithLabelValues(op, result).Inc()
	db.metrics.seconds.WithLabelValues(op).Observe(time.Since(start).Seconds())
	return err
}

// note keeps the health and names the result for the metrics. What the caller
// itself has cancelled says nothing about the server.
func (db *DB) note(ctx context.Context, err error) string {
	result := "ok"
	switch {
	case err == nil:
	case errors.Is(ctx.Err(), context.Canceled):
		return "cancelled"
	case IsRefusal(err):
		result = "refused"
	default:
		result = "failed"
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if result == "failed" {
		db.failures, db.last = db.failures+1, err
	} else {
		db.failures, db.last = 0, nil
	}
	db.metrics.failing.Set(float64(db.failures))
	return result
}
