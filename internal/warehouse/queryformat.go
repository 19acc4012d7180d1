package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// ErrNoHTTP tells that QueryFormat has no HTTP address to ask.
var ErrNoHTTP = errors.New("no http address of the warehouse is known")

// A query's own FORMAT clause, at its end. The driver wants the format apart.
var ownFormat = regexp.MustCompile(`(?is)\sFORMAT\s+(\w+)$`)

// QueryFormat asks the server in any SQL and writes its answer, in any of the
// server's formats, to w as it comes. A FORMAT clause in the query wins. Tables
// show collapsed rows (final = 1), and nothing can be changed, whatever the user
// may do otherwise (readonly = 2: settings may be set, that one excepted).
// An error of the server, also one after the answer has begun, comes back in
// the server's words; what was written until then is not the whole answer.
func (db *DB) QueryFormat(ctx context.Context, w io.Writer, sql, format string) error {
	if err := db.queryFormat(ctx, w, sql, format); err != nil {
		return fmt.Errorf("warehouse: query: %w", db.opts.byHTTP(db.opts.hinted(db.opts.scrub(err))))
	}
	return nil
}

// answersPing bounds the wait for a server that says nothing: a query itself may take as
// long as its asker likes.
func answersPing(ctx context.Context, conn driver.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return conn.Ping(ctx)
}

func (db *DB) queryFormat(ctx context.Context, w io.Writer, sql, format string) error {
	if db.opts.HTTPAddr == "" {
		return ErrNoHTTP
	}
	conn, err := clickhouse.Open(db.opts.http())
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := answersPing(ctx, conn); err != nil {
		return err
	}
	sql = strings.TrimRight(sql, "; \t\r\n")
	if m := ownFormat.FindStringSubmatchIndex(sql); m != nil {
		sql, format = sql[:m[0]], sql[m[2]:m[3]]
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"final": 1, "readonly": 2}))
	answer, err := conn.QueryFormat(ctx, format, sql)
	if err != nil {
		return err
	}
	defer answer.Close()
	_, err = io.Copy(w, answer)
	return err
}
