package warehouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/call"
)

// RecordingFilter chooses recordings; a zero field chooses all.
type RecordingFilter struct {
	Integration string
	ID          string // recording id
	State       call.RecordingState
	Fault       call.FaultKind // what it is known to have; AnyFault: whatever
	Short       bool           // only what plays for less than its talk took
	From, To    time.Time      // announced in [From, To)
	GroupID     uint64         // of its call
	Limit       int            // 0: 50
	After       *RecordingRow  // only what the list has after this one; nil: all
}

// AnyFault chooses, in a filter, what has a fault.
const AnyFault call.FaultKind = "any"

// RecordingRow is a row of the catalogue.
type RecordingRow struct {
	call.RecordingStatus
	CallKnown bool // false: the recording waits for its call
}

// ListRecordings lists the catalogue, the newest announcement first.
func (db *DB) ListRecordings(ctx context.Context, f RecordingFilter) ([]RecordingRow, error) {
	w := f.where()
	if a := f.After; a != nil {
		at := clampTime(a.AnnouncedAt).UnixMilli()
		w.add(true, "announced_at <= fromUnixTimestamp64Milli(?, 'UTC') AND (announced_at < fromUnixTimestamp64Milli(?, 'UTC') OR recording_id > ?)", at, at, a.ID)
	}
	var out []RecordingRow
	err := db.do(ctx, "list recordings", readTimeout, func(ctx context.Context) error {
		w, err := db.narrowed(ctx, w)
		if err != nil {
			return err
		}
		out, err = db.recordingsWhere(ctx, w, orDefault(f.Limit, 50))
		return err
	})
	return out, err
}

// CountRecordings counts what ListRecordings would list without a limit.
func (db *DB) CountRecordings(ctx context.Context, f RecordingFilter) (n uint64, err error) {
	err = db.do(ctx, "count recordings", readTimeout, func(ctx context.Context) error {
		w, err := db.narrowed(ctx, f.where())
		if err != nil {
			return err
		}
		return db.conn.QueryRow(ctx, "SELECT count() FROM recordings FINAL"+w.sql(), w.args...).Scan(&n)
	})
	return n, err
}

func (f RecordingFilter) where() where {
	var w where
	w.add(f.Integration != "", "integration = ?", f.Integration)
	w.add(f.ID != "", "recording_id = ?", f.ID)
	w.add(f.State != "", "state = ?", string(f.State))
	w.add(f.Fault == AnyFault, "fault != ''")
	w.add(f.Fault != "" && f.Fault != AnyFault, "fault = ?", string(f.Fault))
	w.add(f.Short, "short_talk_ms > 0")
	w.from("announced_at", f.From)
	w.to("announced_at", f.To)
	w.add(f.GroupID != 0, "group_id = ?", f.GroupID)
	return w
}

// recordingsWhere finds the keys first, from few columns.
func (db *DB) recordingsWhere(ctx context.Context, w where, limit int) ([]RecordingRow, error) {
	var out []RecordingRow
	err := db.query(ctx, `SELECT `+recordingColumns+`
		FROM recordings FINAL
		WHERE (integration, recording_id) IN (
			SELECT integration, recording_id FROM recordings FINAL`+w.sql()+`
			ORDER BY announced_at DESC, recording_id LIMIT ?)
		ORDER BY announced_at DESC, recording_id`,
		append(w.args, limit), func(r driver.Rows) error {
			s, err := scanRecording(r)
			out = append(out, RecordingRow{RecordingStatus: s})
			return err
		})
	if err != nil || len(out) == 0 {
		return nil, err
	}
	return out, db.markKnown(ctx, out)
}

// markKnown looks the rows' calls up.
func (db *DB) markKnown(ctx context.Context, rows []RecordingRow) error {
	keys := make([]CallKey, len(rows))
	for i, r := range rows {
		keys[i] = CallKey{r.Integration, r.GroupID}
	}
	ctx, err := withKeys(ctx, keys)
	if err != nil {
		return err
	}
	known := map[CallKey]bool{}
	err = db.query(ctx, "SELECT DISTINCT integration, group_id FROM call_keys WHERE (integration, group_id) IN asked", nil,
		func(r driver.Rows) error {
			var k CallKey
			err := r.Scan(&k.Integration, &k.GroupID)
			known[k] = true
			return err
		})
	for i, k := range keys {
		rows[i].CallKnown = known[k]
	}
	return err
}
