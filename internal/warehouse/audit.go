package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/audit"
)

const auditColumns = `writer, seq, at, actor, action, integration, target, outcome, detail, prev_hash, encoding, hash`

// InsertAudit adds entries of the audit; one that is there already stays one.
func (db *DB) InsertAudit(ctx context.Context, rows []audit.Row) error {
	return db.do(ctx, "insert audit", InsertTimeout, func(ctx context.Context) error {
		return db.insert(ctx, "audit", auditColumns, len(rows), func(b driver.Batch) error {
			for _, r := range rows {
				err := b.Append(r.Writer, r.Seq, clampTime(r.At), r.Actor, r.Action, r.Integration, r.Target, string(r.Outcome), r.Detail, r.PrevHash, r.Version, r.Hash)
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func scanAudit(r interface{ Scan(...any) error }) (audit.Row, error) {
	var row audit.Row
	var outcome string
	err := r.Scan(&row.Writer, &row.Seq, &row.At, &row.Actor, &row.Action, &row.Integration, &row.Target, &outcome, &row.Detail, &row.PrevHash, &row.Version, &row.Hash)
	row.At, row.Outcome = row.At.UTC(), audit.Outcome(outcome)
	return row, err
}

// AuditHead is the newest entry of a writer; false if there is none.
func (db *DB) AuditHead(ctx context.Context, writer string) (row audit.Row, ok bool, err error) {
	err = db.do(ctx, "read the end of the audit", readTimeout, func(ctx context.Context) (err error) {
		row, err = scanAudit(db.conn.QueryRow(ctx, "SELECT "+auditColumns+" FROM audit FINAL WHERE writer = ? ORDER BY seq DESC LIMIT 1", writer))
		ok = err == nil
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return err
	})
	return row, ok, err
}

// EachAudit gives every entry, by writer, number and hash. An error of each ends it.
func (db *DB) EachAudit(ctx context.Context, each func(audit.Row) error) error {
	return db.do(ctx, "read audit", 30*time.Minute, func(ctx context.Context) error {
		return db.query(ctx, "SELECT "+auditColumns+" FROM audit FINAL ORDER BY writer, seq, hash", nil, func(r driver.Rows) error {
			row, err := scanAudit(r)
			if err != nil {
				return err
			}
			return each(row)
		})
	})
}

// AuditFilter chooses entries; a zero field chooses all.
type AuditFilter struct {
	From, To      time.Time // in [From, To)
	Actor, Action string
	Limit         int        // 0: 50
	After         *audit.Row // only what the list has after this one; nil: all
}

func (f AuditFilter) where() where {
	var w where
	w.from("at", f.From)
	w.to("at", f.To)
	w.add(f.Actor != "", "actor = ?", f.Actor)
	w.add(f.Action != "", "(action = ? OR startsWith(action, ?))", f.Action, f.Action+".")
	if a := f.After; a != nil {
		at := clampTime(a.At).UnixMilli()
		w.add(true, `at <= fromUnixTimestamp64Milli(?, 'UTC') AND (at < fromUnixTimestamp64Milli(?, 'UTC') OR writer > ?
			OR writer = ? AND (seq < ? OR seq = ? AND hash > ?))`, at, at, a.Writer, a.Writer, a.Seq, a.Seq, a.Hash)
	}
	return w
}

// CountAudit counts what ListAudit would list without a limit.
func (db *DB) CountAudit(ctx context.Context, f AuditFilter) (n uint64, err error) {
	err = db.do(ctx, "count audit", readTimeout, func(ctx context.Context) error {
		w := f.where()
		return db.conn.QueryRow(ctx, "SELECT count() FROM audit FINAL"+w.sql(), w.args...).Scan(&n)
	})
	return n, err
}

// ListAudit lists entries, the newest first.
func (db *DB) ListAudit(ctx context.Context, f AuditFilter) ([]audit.Row, error) {
	w := f.where()
	var out []audit.Row
	err := db.do(ctx, "list audit", readTimeout, func(ctx context.Context) error {
		return db.query(ctx, "SELECT "+auditColumns+" FROM audit FINAL"+w.sql()+" ORDER BY at DESC, writer, seq DESC, hash LIMIT ?",
			append(w.args, orDefault(f.Limit, 50)), func(r driver.Rows) error {
				row, err := scanAudit(r)
				out = append(out, row)
				return err
			})
	})
	return out, err
}
