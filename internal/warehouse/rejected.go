package warehouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/call"
)

// Rejected is something that came in and could not be used, kept as it came.
type Rejected struct {
	Integration     string
	ID              uint64 // 0: call.EventID of the body
	ReceivedAt      time.Time
	Reason          string // a word: one value of a small set
	Detail          string // the error's or the server's words
	ContentType     string
	ContentEncoding string
	Body            []byte    // as it came, perhaps cut
	ReplayedAt      time.Time // zero: not yet
}

// version lets a replayed row win, and of equal ones the earliest received.
func (r Rejected) version() uint64 {
	v := firstWins(r.ReceivedAt)
	if !r.ReplayedAt.IsZero() {
		v |= 1 << 63
	}
	return v
}

// InsertRejected keeps rows; the same one again changes nothing, and one that
// was replayed stays so.
func (db *DB) InsertRejected(ctx context.Context, rows []Rejected) error {
	return db.do(ctx, "insert rejected", InsertTimeout, func(ctx context.Context) error {
		return db.insertRejected(ctx, rows)
	})
}

const rejectedColumns = `integration, rejected_id, received_at, reason, detail,
	content_type, content_encoding, body, replayed_at`

func (db *DB) insertRejected(ctx context.Context, rows []Rejected) error {
	return db.insert(ctx, "rejected", rejectedColumns+", version", len(rows), func(b driver.Batch) error {
		for _, r := range rows {
			if r.ID == 0 {
				r.ID = call.EventID(r.Body)
			}
			err := b.Append(r.Integration, r.ID, toMilli(r.ReceivedAt), r.Reason, r.Detail,
				r.ContentType, r.ContentEncoding, r.Body, toNullable(r.ReplayedAt), r.version())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// RejectedFilter chooses rows; a zero field chooses all.
type RejectedFilter struct {
	Integration string
	Reason      string
	From, To    time.Time // received in [From, To)
	Replayed    bool      // also those that were replayed
	AfterID     uint64    // go on after this ID: rows come in order of ID
	Limit       int       // 0: 1,000
	MaxBytes    int       // of all bodies; rows of one ID come all the same. 0: no bound
}

// RejectedRows lists rows in order of ID, so that any number of them can be
// walked through by AfterID.
func (db *DB) RejectedRows(ctx context.Context, f RejectedFilter) ([]Rejected, error) {
	var w where
	w.add(f.Integration != "", "integration = ?", f.Integration)
	w.add(f.Reason != "", "reason = ?", f.Reason)
	w.from("received_at", f.From)
	w.to("received_at", f.To)
	w.add(!f.Replayed, "isNull(replayed_at)")
	w.add(f.AfterID != 0, "rejected_id > ?", f.AfterID)
	if f.MaxBytes > 0 {
		last, found, err := db.lastRejected(ctx, w, f)
		if err != nil || !found {
			return nil, err
		}
		w.add(true, "rejected_id <= ?", last)
	}
	sql := "SELECT " + rejectedColumns + " FROM rejected FINAL" + w.sql() + rejectedPage
	var out []Rejected
	err := db.do(ctx, "read rejected", readTimeout, func(ctx context.Context) error {
		return db.query(ctx, sql, append(w.args, orDefault(f.Limit, 1000)), func(r driver.Rows) error {
			var row Rejected
			var replayed *time.Time
			err := r.Scan(&row.Integration, &row.ID, &row.ReceivedAt, &row.Reason, &row.Detail,
				&row.ContentType, &row.ContentEncoding, &row.Body, &replayed)
			row.ReceivedAt, row.ReplayedAt = fromMilli(row.ReceivedAt), fromNullable(replayed)
			out = append(out, row)
			return err
		})
	})
	return out, err
}

const rejectedPage = " ORDER BY rejected_id LIMIT ? WITH TIES"

// lastRejected is the last ID of those from the beginning whose bodies have no more
// than MaxBytes together. Bodies are not read for it, but by the server.
func (db *DB) lastRejected(ctx context.Context, w where, f RejectedFilter) (last uint64, found bool, err error) {
	sql := "SELECT rejected_id, length(body) FROM rejected FINAL" + w.sql() + rejectedPage
	bytes, full := uint64(0), false
	err = db.do(ctx, "measure rejected", readTimeout, func(ctx context.Context) error {
		return db.query(ctx, sql, append(w.args, orDefault(f.Limit, 1000)), func(r driver.Rows) error {
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
func (db *DB) MarkReplayed(ctx context.Context, rows []Rejected, at time.Time) error {
	marked := make([]Rejected, len(rows))
	for i, r := range rows {
		r.ReplayedAt = at
		marked[i] = r
	}
	return db.do(ctx, "mark replayed", InsertTimeout, func(ctx context.Context) error {
		return db.insertRejected(ctx, marked)
	})
}
