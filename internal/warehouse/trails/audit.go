package trails

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/warehouse"
)

const auditColumns = `writer, seq, at, actor, action, integration, target, outcome, detail, prev_hash, encoding, hash`

// InsertAudit adds entries of the audit; one that is there already stays one.
func (db *DB) InsertAudit(ctx context.Context, rows []audit.Row) error {
	return db.Do(ctx, "insert audit", warehouse.InsertTimeout, func(ctx context.Context) error {
		return db.Insert(ctx, "audit", auditColumns, len(rows), func(b warehouse.Batch) error {
			for _, r := range rows {
				err := b.Append(r.Writer, r.Seq, warehouse.ClampTime(r.At), r.Actor, r.Action, r.Integration, r.Target, string(r.Outcome), r.Detail, r.PrevHash, r.Version, r.Hash)
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
	err = db.Do(ctx, "read the end of the audit", warehouse.ReadTimeout, func(ctx context.Context) (err error) {
		row, err = scanAudit(db.QueryRow(ctx, "SELECT "+auditColumns+" FROM audit FINAL WHERE writer = ? ORDER BY seq DESC LIMIT 1", writer))
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
	return db.Do(ctx, "read audit", 30*time.Minute, func(ctx context.Context) error {
		return db.Query(ctx, "SELECT "+auditColumns+" FROM audit FINAL ORDER BY writer, seq, hash", nil, func(r warehouse.Rows) error {
			row, err := scanAudit(r)
			if err != nil {
				return err
			}
			return each(row)
		})
	})
}

// AboutTargets are the entries of every writer that name one of the targets, by writer and
// number.
func (db *DB) AboutTargets(ctx context.Context, targets []string) (out []audit.Row, err error) {
	err = db.Do(ctx, "read the audit of some targets", warehouse.StreamTimeout, func(ctx context.Context) error {
		ctx, err := warehouse.WithTable(ctx, "targets", warehouse.Fields{{"target", "String"}}, len(targets), func(i int) []any { return []any{targets[i]} })
		if err != nil {
			return err
		}
		return db.Query(ctx, "SELECT "+auditColumns+" FROM audit FINAL WHERE target IN targets ORDER BY writer, seq, hash", nil, func(r warehouse.Rows) error {
			row, err := scanAudit(r)
			out = append(out, row)
			return err
		})
	})
	return out, err
}

// Filter chooses entries; a zero field chooses all.
type Filter struct {
	From, To      time.Time // in [From, To)
	Actor, Action string
	Limit         int        // 0: 50
	After         *audit.Row // only what the list has after this one; nil: all
}

func (f Filter) where() warehouse.Where {
	var w warehouse.Where
	w.From("at", f.From)
	w.To("at", f.To)
	w.Add(f.Actor != "", "actor = ?", f.Actor)
	w.Add(f.Action != "", "(action = ? OR startsWith(action, ?))", f.Action, f.Action+".")
	if a := f.After; a != nil {
		at := warehouse.ClampTime(a.At).UnixMilli()
		w.Add(true, `at <= fromUnixTimestamp64Milli(?, 'UTC') AND (at < fromUnixTimestamp64Milli(?, 'UTC') OR writer > ?
			OR writer = ? AND (seq < ? OR seq = ? AND hash > ?))`, at, at, a.Writer, a.Writer, a.Seq, a.Seq, a.Hash)
	}
	return w
}

// CountAudit counts what ListAudit would list without a limit.
func (db *DB) CountAudit(ctx context.Context, f Filter) (n uint64, err error) {
	err = db.Do(ctx, "count audit", warehouse.ReadTimeout, func(ctx context.Context) error {
		w := f.where()
		return db.QueryRow(ctx, "SELECT count() FROM audit FINAL"+w.SQL(), w.Args...).Scan(&n)
	})
	return n, err
}

// ListAudit lists entries, the newest first.
func (db *DB) ListAudit(ctx context.Context, f Filter) ([]audit.Row, error) {
	w := f.where()
	var out []audit.Row
	err := db.Do(ctx, "list audit", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, "SELECT "+auditColumns+" FROM audit FINAL"+w.SQL()+" ORDER BY at DESC, writer, seq DESC, hash LIMIT ?",
			append(w.Args, warehouse.LimitOr(f.Limit, 50)), func(r warehouse.Rows) error {
				row, err := scanAudit(r)
				out = append(out, row)
				return err
			})
	})
	return out, err
}
