package calls

import (
	"context"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/relay"
	"fonoteka/internal/warehouse"
)

// rejectedVersion lets a replayed row win, and of equal ones the earliest received.
func rejectedVersion(r relay.Rejected) uint64 {
	v := firstWins(r.ReceivedAt)
	if !r.ReplayedAt.IsZero() {
		v |= 1 << 63
	}
	return v
}

// InsertRejected keeps rows; the same one again changes nothing, and one that
// was replayed stays so.
func (db *DB) InsertRejected(ctx context.Context, rows []relay.Rejected) error {
	return db.Do(ctx, "insert rejected", warehouse.InsertTimeout, func(ctx context.Context) error {
		return db.insertRejected(ctx, rows)
	})
}

const rejectedColumns = `integration, rejected_id, received_at, reason, detail,
	content_type, content_encoding, body, replayed_at`

func (db *DB) insertRejected(ctx context.Context, rows []relay.Rejected) error {
	return db.Insert(ctx, "rejected", rejectedColumns+", version", len(rows), func(b warehouse.Batch) error {
		for _, r := range rows {
			if r.ID == 0 {
				r.ID = call.EventID(r.Body)
			}
			err := b.Append(r.Integration, r.ID, warehouse.ToMilli(r.ReceivedAt), r.Reason, r.Detail,
				r.ContentType, r.ContentEncoding, r.Body, warehouse.ToNullable(r.ReplayedAt), rejectedVersion(r))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// RejectedRows lists rows in order of ID, so that any number of them can be
// walked through by AfterID.
func (db *DB) RejectedRows(ctx context.Context, f relay.RejectedFilter) ([]relay.Rejected, error) {
	var w warehouse.Where
	w.Add(f.Integration != "", "integration = ?", f.Integration)
	w.Add(f.Reason != "", "reason = ?", f.Reason)
	w.From("received_at", f.From)
	w.To("received_at", f.To)
	w.Add(!f.Replayed, "isNull(replayed_at)")
	w.Add(f.AfterID != 0, "rejected_id > ?", f.AfterID)
	if f.MaxBytes > 0 {
		last, found, err := db.lastRejected(ctx, w, f)
		if err != nil || !found {
			return nil, err
		}
		w.Add(true, "rejected_id <= ?", last)
	}
	sql := "SELECT " + rejectedColumns + " FROM rejected FINAL" + w.SQL() + rejectedPage
	var out []relay.Rejected
	err := db.Do(ctx, "read rejected", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, sql, append(w.Args, warehouse.LimitOr(f.Limit, 1000)), func(r warehouse.Rows) error {
			var row relay.Rejected
			var replayed *time.Time
			err := r.Scan(&row.Integration, &row.ID, &row.ReceivedAt, &row.Reason, &row.Detail,
				&row.ContentType, &row.ContentEncoding, &row.Body, &replayed)
			row.ReceivedAt, row.ReplayedAt = warehouse.FromMilli(row.ReceivedAt), warehouse.FromNullable(replayed)
			out = append(out, row)
			return err
		})
	})
	return out, err
}

const rejectedPage = " ORDER BY rejected_id LIMIT ? WITH TIES"

// lastRejected is the last ID of those from the beginning whose bodies have no more
// than MaxBytes together. Bodies are not read for it, but by the server.
func (db *DB) lastRejected(ctx context.Context, w warehouse.Where, f relay.RejectedFilter) (last uint64, found bool, err error) {
	sql := "SELECT rejected_id, length(body) FROM rejected FINAL" + w.SQL() + rejectedPage
	bytes, full := uint64(0), false
	err = db.Do(ctx, "measure rejected", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, sql, append(w.Args, warehouse.LimitOr(f.Limit, 1000)), func(r warehouse.Rows) error {
			var id, size uint64
			err := r.Scan(&id, &size)
			if bytes += size; found && id != last && bytes > uint64(f.MaxBytes) {
				full = true
			}
			if !full {
				last, found = id, true
			}
			return err
		})
	})
	return last, found, err
}

// MarkReplayed notes that rows were put through again and taken. The rows must
// be whole, as RejectedRows gave them.
func (db *DB) MarkReplayed(ctx context.Context, rows []relay.Rejected, at time.Time) error {
	marked := make([]relay.Rejected, len(rows))
	for i, r := range rows {
		r.ReplayedAt = at
		marked[i] = r
	}
	return db.Do(ctx, "mark replayed", warehouse.InsertTimeout, func(ctx context.Context) error {
		return db.insertRejected(ctx, marked)
	})
}
