package warehouse

import (
	"cmp"
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/call"
)

// ArchivedFilter chooses among recordings of a state; another field that is zero
// chooses all.
type ArchivedFilter struct {
	State                     call.RecordingState // "": archived
	AfterIntegration, AfterID string              // only keys behind this one
	Since                     time.Time           // archived at or after
	Share                     float64             // 0 < Share < 1: about this part of them, chosen by Seed
	Seed                      uint64
	Faulty                    bool      // only those known to be wrong
	LockedAfter               time.Time // only those that the store was told to keep beyond it
}

// behind is the part of the key's order that lies behind a key. It is spelled
// out, as a comparison of tuples does not use the primary key.
func (w *where) behind(integration, id string) {
	w.add(integration != "" || id != "", "integration >= ? AND (integration > ? OR recording_id > ?)", integration, integration, id)
}

func (f ArchivedFilter) where() where {
	var w where
	w.behind(f.AfterIntegration, f.AfterID)
	w.add(true, "state = ?", string(cmp.Or(f.State, call.Archived)))
	w.from("archived_at", f.Since)
	w.from("locked_until", f.LockedAfter)
	w.add(f.Share > 0 && f.Share < 1, "sipHash64(recording_id, toUInt64(?)) % 1000000 < ?", f.Seed, uint64(f.Share*1e6))
	// Few rows bear a fault: they are found without collapsing the others.
	w.add(f.Faulty, "(integration, recording_id) IN (SELECT integration, recording_id FROM recordings WHERE fault != '') AND fault != ''")
	return w
}

// ArchivedAfter lists such recordings in order of the table's key
// (integration, recording id), at most limit. Going on from the last one's key
// meets each of them once, however many there are.
//
// A stretch of the key is collapsed at a time, wider and wider until the page
// is full: collapsing all that lies behind a key takes 0.1 s for each million
// of recordings, and a stretch 20 ms.
func (db *DB) ArchivedAfter(ctx context.Context, f ArchivedFilter, limit int) ([]call.RecordingStatus, error) {
	var out []call.RecordingStatus
	for stretch := 2 * limit; ; stretch = min(8*stretch, 1<<30) {
		var last call.RecordingStatus
		err := db.do(ctx, "read archived recordings", readTimeout, func(ctx context.Context) (err error) {
			if last, err = db.keyBehind(ctx, f, stretch); err != nil {
				return err
			}
			w := f.where()
			w.add(last.ID != "", "integration <= ? AND (integration < ? OR recording_id <= ?)", last.Integration, last.Integration, last.ID)
			return db.query(ctx, "SELECT "+recordingColumns+" FROM recordings FINAL"+w.sql()+" ORDER BY integration, recording_id LIMIT ?",
				append(w.args, limit-len(out)), func(r driver.Rows) error {
					s, err := scanRecording(r)
					out = append(out, s)
					return err
				})
		})
		if err != nil || len(out) >= limit || last.ID == "" {
			return out, err
		}
		f.AfterIntegration, f.AfterID = last.Integration, last.ID
	}
}

// keyBehind finds the key of the row that many rows further on, in whatever
// version; none where the table ends before.
func (db *DB) keyBehind(ctx context.Context, f ArchivedFilter, rows int) (last call.RecordingStatus, err error) {
	if f.Faulty {
		return last, nil // few: all at once
	}
	var w where
	w.behind(f.AfterIntegration, f.AfterID)
	err = db.query(ctx, "SELECT integration, recording_id FROM recordings"+w.sql()+" ORDER BY integration, recording_id LIMIT 1 OFFSET ?",
		append(w.args, rows), func(r driver.Rows) error { return r.Scan(&last.Integration, &last.ID) })
	return last, err
}

// CountArchived counts such recordings and their bytes.
func (db *DB) CountArchived(ctx context.Context, f ArchivedFilter) (recordings, bytes uint64, err error) {
	err = db.do(ctx, "count archived recordings", readTimeout, func(ctx context.Context) error {
		w := f.where()
		return db.conn.QueryRow(ctx, "SELECT count(), sum(size) FROM recordings FINAL"+w.sql(), w.args...).Scan(&recordings, &bytes)
	})
	return recordings, bytes, err
}

// RecordingsByID reads the rows of recordings, of any integration and state, in
// no particular order.
func (db *DB) RecordingsByID(ctx context.Context, ids []string) ([]call.RecordingStatus, error) {
	var out []call.RecordingStatus
	if len(ids) == 0 {
		return nil, nil
	}
	err := db.do(ctx, "read recordings by id", readTimeout, func(ctx context.Context) error {
		ctx, err := withTable(ctx, "asked", []field{{"recording_id", "String"}}, len(ids), func(i int) []any { return []any{ids[i]} })
		if err != nil {
			return err
		}
		return db.query(ctx, "SELECT "+recordingColumns+" FROM recordings FINAL PREWHERE recording_id IN asked", nil, func(r driver.Rows) error {
			s, err := scanRecording(r)
			out = append(out, s)
			return err
		})
	})
	return out, err
}

// LastStep is when a recording last went through one of several steps of
// custody; the zero time if never.
type LastStep struct {
	Integration, RecordingID string
	At                       time.Time
}

// LastSteps looks the latest of the steps up for many recordings; one that
// never went through any is left out.
func (db *DB) LastSteps(ctx context.Context, recordings []call.RecordingStatus, steps ...string) ([]LastStep, error) {
	var out []LastStep
	if len(recordings) == 0 {
		return nil, nil
	}
	err := db.do(ctx, "read last custody", readTimeout, func(ctx context.Context) error {
		ctx, err := withTable(ctx, "asked", []field{{"integration", "String"}, {"recording_id", "String"}}, len(recordings),
			func(i int) []any { return []any{recordings[i].Integration, recordings[i].ID} })
		if err != nil {
			return err
		}
		return db.query(ctx, `
			SELECT integration, recording_id, max(at)
			FROM custody
			WHERE (integration, recording_id) IN asked AND has(?, step)
			GROUP BY integration, recording_id`, []any{steps}, func(r driver.Rows) error {
			var s LastStep
			err := r.Scan(&s.Integration, &s.RecordingID, &s.At)
			s.At = fromMilli(s.At)
			out = append(out, s)
			return err
		})
	})
	return out, err
}
