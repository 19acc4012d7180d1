package catalogue

import (
	"context"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// RetryFilter chooses what RetryRecordings makes due; a zero field chooses all
// that waits. What was given up is chosen only by its id or state, and what is due
// already only by its id, or as announced: it is due anew then, as another job, where
// nobody may work on the one that there is.
type RetryFilter struct {
	Integration string
	State       call.RecordingState
	IDs         []string
}

// RetryRecordings makes recordings due now that wait for a later try, or for
// none, and counts them by state. What is archived stays as it is.
//
// The row is written again by the server with a version one higher, which the
// announcement's tenth of a second in it leaves room for: it takes the place of
// the row it was made of, and any outcome that is written meanwhile, or later,
// has a higher attempt or rank and takes its. The number of tries made stays
// what it was; counting the wish as a try was rejected, because the schedule
// goes by it.
func (db *DB) RetryRecordings(ctx context.Context, f RetryFilter, now time.Time) (map[call.RecordingState]uint64, error) {
	var w warehouse.Where
	w.Add(len(f.IDs) == 0, "(integration, recording_id) IN (SELECT integration, recording_id FROM recordings_open)") // which may lack one for seconds after a crash
	named := f.State != "" || len(f.IDs) > 0
	w.Add(named, "NOT ("+settledStates+")")
	w.Add(!named, waiting)
	w.Add(len(f.IDs) == 0 && f.State != call.Announced, "attempt > 0 AND (isNull(next_attempt_at) OR next_attempt_at > fromUnixTimestamp64Milli(?, 'UTC'))", warehouse.ClampTime(now).UnixMilli())
	w.Add(f.Integration != "", "integration = ?", f.Integration)
	w.Add(f.State != "", "state = ?", string(f.State))
	w.Add(len(f.IDs) > 0, "recording_id IN (?)", f.IDs)
	out := map[call.RecordingState]uint64{}
	err := db.Do(ctx, "make recordings due", warehouse.InsertTimeout, func(ctx context.Context) error {
		err := db.Query(ctx, "SELECT state, count() FROM recordings FINAL"+w.SQL()+" GROUP BY state", w.Args, func(r warehouse.Rows) error {
			var state string
			var n uint64
			err := r.Scan(&state, &n)
			out[call.RecordingState(state)] = n
			return err
		})
		if err != nil || len(out) == 0 {
			return err
		}
		args := append([]any{warehouse.ClampTime(now).UnixMilli()}, w.Args...)
		return db.InsertSelect(ctx, `INSERT INTO recordings SELECT * REPLACE (
				version + 1 AS version,
				toNullable(fromUnixTimestamp64Milli(?, 'UTC')) AS next_attempt_at,
				now64(3, 'UTC') AS updated_at)
			FROM (SELECT * FROM recordings FINAL`+w.SQL()+`)`, args...)
	})
	return out, err
}

// KnownRecordings tells of each recording whether the catalogue has it.
func (db *DB) KnownRecordings(ctx context.Context, recordings []call.Recording) ([]bool, error) {
	known := make([]bool, len(recordings))
	found := map[Key]bool{}
	asked, err := withKeys(ctx, len(recordings), func(i int) Key { return keyOf(recordings[i]) })
	if err != nil {
		return nil, err
	}
	err = db.Do(asked, "look recordings up", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, "SELECT DISTINCT integration, recording_id FROM recordings WHERE (integration, recording_id) IN asked", nil,
			func(r warehouse.Rows) error {
				var k Key
				err := r.Scan(&k.Integration, &k.ID)
				found[k] = true
				return err
			})
	})
	for i, r := range recordings {
		known[i] = found[keyOf(r)]
	}
	return known, err
}
