package warehouse_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"fonoteka/internal/warehouse/warehousetest"
)

// errKilled is what a process learns that was killed: nothing more.
var errKilled = errors.New("killed")

// watched are connections of database/sql which ask before each statement and tell
// after it. What either returns is the statement's error.
type watched struct {
	before, after func(statement string) error
}

// watch has Migrate use them.
func (w *watched) watch(db *warehousetest.DB) {
	db.OpenStd(func(o *clickhouse.Options) *sql.DB {
		std := sql.OpenDB(connector{clickhouse.Connector(o), w})
		std.SetMaxOpenConns(o.MaxOpenConns)
		return std
	})
}

type connector struct {
	driver.Connector
	watched *watched
}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return conn{inner.(innerConn), c.watched}, nil
}

type innerConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Pinger
}

type conn struct {
	innerConn
	watched *watched
}

func (c conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.watched.before(query); err != nil {
		return nil, err
	}
	r, err := c.innerConn.ExecContext(ctx, query, args)
	return r, errors.Join(err, c.watched.after(query))
}

func (c conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.watched.before(query); err != nil {
		return nil, err
	}
	r, err := c.innerConn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if err := c.watched.after(query); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// killAt has Migrate die at its nth statement from now on, before or after it took
// effect, and returns how many there were.
func killAt(db *warehousetest.DB, n int, after bool) (statements func() int) {
	seen := 0
	(&watched{
		before: func(string) error {
			seen++
			if seen > n || seen == n && !after {
				return errKilled
			}
			return nil
		},
		after: func(string) error {
			if seen == n && after {
				return errKilled
			}
			return nil
		},
	}).watch(db)
	return func() int { return seen }
}

// meanwhile has Migrate wait before the first statement that begins so, while
// something else is done.
func meanwhile(t *testing.T, db *warehousetest.DB, is func(statement string) bool, do func()) {
	t.Helper()
	done := false
	(&watched{
		before: func(statement string) error {
			if !done && is(statement) {
				done = true
				do()
			}
			return nil
		},
		after: func(string) error { return nil },
	}).watch(db)
	t.Cleanup(func() {
		if !done {
			t.Error("no statement of that kind was sent")
		}
	})
}
