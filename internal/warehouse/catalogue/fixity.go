package catalogue

import (
	"cmp"
	"context"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
	"fonoteka/internal/warehouse"
)

// behind adds the part of the key's order that lies behind a key. It is spelled
// out, as a comparison of tuples does not use the primary key.
func behind(w *warehouse.Where, integration, id string) {
	w.Add(integration != "" || id != "", "integration >= ? AND (integration > ? OR recording_id > ?)", integration, integration, id)
}

func archived(q fixity.Query) warehouse.Where {
	var w warehouse.Where
	behind(&w, q.AfterIntegration, q.AfterID)
	w.Add(true, "state = ?", string(cmp.Or(q.State, call.Archived)))
	w.From("archived_at", q.Since)
	w.From("locked_until", q.LockedAfter)
	w.Add(q.Share > 0 && q.Share < 1, "sipHash64(recording_id, toUInt64(?)) % 1000000 < ?", q.Seed, uint64(q.Share*1e6))
	// Few rows bear a fault: they are found without collapsing the others.
	w.Add(q.Faulty, "(integration, recording_id) IN (SELECT integration, recording_id FROM recordings WHERE fault != '') AND fault != ''")
	return w
}

// Archived lists recordings that a query chooses, in order of the table's key
// (integration, recording id), at most limit. Going on from the last one's key
// meets each of them once, however many there are.
//
// A stretch of the key is collapsed at a time, wider and wider until the page
// is full: collapsing all that lies behind a key takes 0.1 s for each million
// of recordings, and a stretch 20 ms.
func (db *DB) Archived(ctx context.Context, q fixity.Query, limit int) ([]call.RecordingStatus, error) {
	var out []call.RecordingStatus
	for stretch := 2 * limit; ; stretch = min(8*stretch, 1<<30) {
		var last call.RecordingStatus
		err := db.Do(ctx, "read archived recordings", warehouse.ReadTimeout, func(ctx context.Context) (err error) {
			if last, err = db.keyBehind(ctx, q, stretch); err != nil {
				return err
			}
			w := archived(q)
			w.Add(last.ID != "", "integration <= ? AND (integration < ? OR recording_id <= ?)", last.Integration, last.Integration, last.ID)
			return db.Query(ctx, "SELECT "+recordingColumns+" FROM recordings FINAL"+w.SQL()+" ORDER BY integration, recording_id LIMIT ?",
				append(w.Args, limit-len(out)), func(r warehouse.Rows) error {
					s, err := scanRecording(r)
					out = append(out, s)
					return err
				})
		})
		if err != nil || len(out) >= limit || last.ID == "" {
			return out, err
		}
		q.AfterIntegration, q.AfterID = last.Integration, last.ID
	}
}

// keyBehind finds the key of the row that many rows further on, in whatever
// version; none where the table ends before.
func (db *DB) keyBehind(ctx context.Context, q fixity.Query, rows int) (last call.RecordingStatus, err error) {
	if q.Faulty {
		return last, nil // few: all at once
	}
	var w warehouse.Where
	behind(&w, q.AfterIntegration, q.AfterID)
	err = db.Query(ctx, "SELECT integration, recording_id FROM recordings"+w.SQL()+" ORDER BY integration, recording_id LIMIT 1 OFFSET ?",
		append(w.Args, rows), func(r warehouse.Rows) error { return r.Scan(&last.Integration, &last.ID) })
	return last, err
}

// Count counts such recordings and their bytes.
func (db *DB) Count(ctx context.Context, q fixity.Query) (recordings, bytes uint64, err error) {
	err = db.Do(ctx, "count archived recordings", warehouse.ReadTimeout, func(ctx context.Context) error {
		w := archived(q)
		return db.QueryRow(ctx, "SELECT count(), sum(size) FROM recordings FINAL"+w.SQL(), w.Args...).Scan(&recordings, &bytes)
	})
	return recordings, bytes, err
}

// ByID reads the rows of recordings, of any integration and state, in
// no particular order.
func (db *DB) ByID(ctx context.Context, ids []string) ([]call.RecordingStatus, error) {
	var out []call.RecordingStatus
	if len(ids) == 0 {
		return nil, nil
	}
	err := db.Do(ctx, "read recordings by id", warehouse.ReadTimeout, func(ctx context.Context) error {
		ctx, err := warehouse.WithTable(ctx, "asked", warehouse.Fields{{"recording_id", "String"}}, len(ids), func(i int) []any { return []any{ids[i]} })
		if err != nil {
			return err
		}
		return db.Query(ctx, "SELECT "+recordingColumns+" FROM recordings FINAL PREWHERE recording_id IN asked", nil, func(r warehouse.Rows) error {
			s, err := scanRecording(r)
			out = append(out, s)
			return err
		})
	})
	return out, err
}

// Save writes the steps first, so that a row that says something has its history.
func (db *DB) Save(ctx context.Context, rows []call.RecordingStatus, steps []call.Custody) error {
	if err := db.AddCustody(ctx, steps); err != nil {
		return err
	}
	return db.SaveRecordings(ctx, rows)
}

// LastStep is when each recording last went through one of several steps of custody,
// in the order of the rows; the zero time if never.
func (db *DB) LastStep(ctx context.Context, rows []call.RecordingStatus, steps ...string) ([]time.Time, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	last := map[Key]time.Time{}
	err := db.Do(ctx, "read last custody", warehouse.ReadTimeout, func(ctx context.Context) error {
		ctx, err := withKeys(ctx, len(rows), func(i int) Key { return keyOf(rows[i].Recording) })
		if err != nil {
			return err
		}
		return db.Query(ctx, `
			SELECT integration, recording_id, max(at)
			FROM custody
			WHERE (integration, recording_id) IN asked AND has(?, step)
			GROUP BY integration, recording_id`, []any{steps}, func(r warehouse.Rows) error {
			var k Key
			var at time.Time
			err := r.Scan(&k.Integration, &k.ID, &at)
			last[k] = warehouse.FromMilli(at)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	out := make([]time.Time, len(rows))
	for i, r := range rows {
		out[i] = last[keyOf(r.Recording)]
	}
	return out, nil
}
