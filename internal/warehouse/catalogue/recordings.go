package catalogue

import (
	"context"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// AnnounceRecordings adds recordings to the catalogue. One that is there
// already keeps its state; of several announcements the earliest stays.
func (db *DB) AnnounceRecordings(ctx context.Context, recordings []call.Recording) error {
	rows := make([]call.RecordingStatus, len(recordings))
	for i, r := range recordings {
		rows[i] = call.RecordingStatus{Recording: r, State: call.Announced}
	}
	return db.Do(ctx, "announce recordings", warehouse.InsertTimeout, func(ctx context.Context) error {
		return db.insertRecordings(ctx, rows)
	})
}

// SaveRecordings writes rows of the catalogue. The one with the highest
// call.RecordingStatus.Version shows; a lower one changes nothing.
func (db *DB) SaveRecordings(ctx context.Context, rows []call.RecordingStatus) error {
	return db.Do(ctx, "save recordings", warehouse.InsertTimeout, func(ctx context.Context) error {
		return db.insertRecordings(ctx, rows)
	})
}

func (db *DB) insertRecordings(ctx context.Context, rows []call.RecordingStatus) error {
	return db.Insert(ctx, "recordings", recordingColumns+written, len(rows), func(b warehouse.Batch) error {
		for _, s := range rows {
			if err := b.Append(recordingValues(s)...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Recording reads one row of the catalogue; false if there is none.
func (db *DB) Recording(ctx context.Context, integration, id string) (call.RecordingStatus, bool, error) {
	var s call.RecordingStatus
	found := false
	err := db.Do(ctx, "read recording", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, "SELECT "+recordingColumns+" FROM recordings FINAL WHERE integration = ? AND recording_id = ?",
			[]any{integration, id}, func(r warehouse.Rows) (err error) {
				found = true
				s, err = scanRecording(r)
				return err
			})
	})
	return s, found && err == nil, err
}

// EachOf gives the rows of keys, all as of one moment, ordered by integration and id. A
// key without a row is left out. An error of each ends it.
func (db *DB) EachOf(ctx context.Context, keys []Key, each func(call.RecordingStatus) error) error {
	if len(keys) == 0 {
		return nil
	}
	return db.Do(ctx, "stream recordings", warehouse.StreamTimeout, func(ctx context.Context) error {
		ctx = warehouse.WithSettings(ctx, warehouse.Settings{"max_threads": 1, "max_block_size": 4096})
		ctx, err := withKeys(ctx, len(keys), func(i int) Key { return keys[i] })
		if err != nil {
			return err
		}
		return db.Query(ctx, "SELECT "+recordingColumns+" FROM recordings FINAL WHERE (integration, recording_id) IN asked ORDER BY integration, recording_id", nil, func(r warehouse.Rows) error {
			s, err := scanRecording(r)
			if err != nil {
				return err
			}
			return each(s)
		})
	})
}

// WithStep are those of the keys whose custody has a step.
func (db *DB) WithStep(ctx context.Context, keys []Key, step string) (map[Key]bool, error) {
	out := map[Key]bool{}
	if len(keys) == 0 {
		return out, nil
	}
	err := db.Do(ctx, "look for a step of custody", warehouse.StreamTimeout, func(ctx context.Context) error {
		ctx, err := withKeys(ctx, len(keys), func(i int) Key { return keys[i] })
		if err != nil {
			return err
		}
		return db.Query(ctx, "SELECT DISTINCT integration, recording_id FROM custody WHERE (integration, recording_id) IN asked AND step = ?", []any{step}, func(r warehouse.Rows) error {
			var k Key
			err := r.Scan(&k.Integration, &k.ID)
			out[k] = true
			return err
		})
	})
	return out, err
}

// due takes the time in milliseconds.
const due = `(state = 'announced' AND isNull(next_attempt_at)
	OR state IN ('announced', 'retrying', 'missing', 'refused', 'quarantined', 'expired', 'archived')
		AND next_attempt_at <= fromUnixTimestamp64Milli(?, 'UTC'))`

// narrowed adds to a condition on recordings that is asked under FINAL: only keys
// of which some row, of whatever version, meets it. Normally they are few, found
// fast, and only they are collapsed: 0.2 s on top of 4 million recordings. When
// a great many wait to be merged with what came after them, collapsing everything
// is the cheaper way: 1.6 s instead of 5.6 with 2.5 million of them in 6.5.
func (db *DB) narrowed(ctx context.Context, w warehouse.Where) (warehouse.Where, error) {
	const many = 200_000
	var seen uint64
	if err := db.QueryRow(ctx, "SELECT count() FROM recordings"+w.SQL(), w.Args...).Scan(&seen); err != nil || seen >= many {
		return w, err
	}
	var out warehouse.Where
	out.Add(true, "(integration, recording_id) IN (SELECT integration, recording_id FROM recordings"+w.SQL()+")", w.Args...)
	out.And(w)
	return out, nil
}
