package warehouse

import (
	"context"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"fonoteka/internal/call"
)

// CallFilter chooses calls; a zero field chooses all.
type CallFilter struct {
	Integration string
	From, To    time.Time // started in [From, To)
	Number      string    // digits: the client's number or the external number
	Outcome     call.Outcome
	Direction   call.Direction
	Limit       int          // 0: 50
	After       *call.Record // only what the list has after this call; nil: all
}

const day = 24 * time.Hour

// ListCalls lists calls with their legs, the newest first. Without From it
// looks back only as far as Limit needs.
func (db *DB) ListCalls(ctx context.Context, f CallFilter) ([]call.Record, error) {
	f.Limit = orDefault(f.Limit, 50)
	var found []StoredCall
	err := db.do(ctx, "list calls", readTimeout, func(ctx context.Context) error {
		ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"do_not_merge_across_partitions_select_final": 1}))
		keys, err := db.newestKeys(ctx, f)
		if err != nil {
			return err
		}
		found, err = db.callsByKey(ctx, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Reverse(found)
	out := make([]call.Record, len(found))
	for i, c := range found {
		out[i] = c.Record
	}
	return out, nil
}

// newestKeys finds the rows' keys alone, which reads few columns; a list of all
// columns in order of time would read each of them to its end.
func (db *DB) newestKeys(ctx context.Context, f CallFilter) ([]rowKey, error) {
	if !f.From.IsZero() {
		return db.keysBetween(ctx, f)
	}
	to := f.To
	if f.After != nil {
		to = f.After.StartedAt.Add(time.Millisecond)
	}
	if to.IsZero() {
		// From the partitions' own bounds, without reading a row.
		err := db.conn.QueryRow(ctx, "SELECT max(started_at) FROM calls").Scan(&to)
		if err != nil {
			return nil, err
		}
		to = to.Add(time.Millisecond)
	}
	for _, back := range []time.Duration{2 * day, 40 * day, 400 * day} {
		f.From = to.Add(-back)
		keys, err := db.keysBetween(ctx, f)
		if err != nil || len(keys) >= f.Limit {
			return keys, err
		}
	}
	f.From = time.Time{}
	return db.keysBetween(ctx, f)
}

func (db *DB) keysBetween(ctx context.Context, f CallFilter) ([]rowKey, error) {
	w := f.where()
	return db.queryRowKeys(ctx, "SELECT started_at, integration, call_id FROM calls FINAL"+w.sql()+
		" ORDER BY started_at DESC, call_id DESC LIMIT ?", append(w.args, f.Limit)...)
}

// CountCalls counts what ListCalls would list without a limit.
func (db *DB) CountCalls(ctx context.Context, f CallFilter) (n uint64, err error) {
	err = db.do(ctx, "count calls", readTimeout, func(ctx context.Context) error {
		w := f.where()
		return db.conn.QueryRow(ctx, "SELECT count() FROM calls FINAL"+w.sql(), w.args...).Scan(&n)
	})
	return n, err
}

func (f CallFilter) where() where {
	var w where
	w.add(f.Integration != "", "integration = ?", f.Integration)
	w.from("started_at", f.From)
	w.to("started_at", f.To)
	w.add(f.Number != "", "(client_number = ? OR external_number = ?)", f.Number, f.Number)
	w.add(f.Outcome != "", "outcome = ?", string(f.Outcome))
	w.add(f.Direction != "", "direction = ?", string(f.Direction))
	if f.After != nil {
		w.add(true, "(started_at, call_id) < (fromUnixTimestamp64Milli(?, 'UTC'), ?)", clampTime(f.After.StartedAt).UnixMilli(), f.After.CallID)
	}
	return w
}
