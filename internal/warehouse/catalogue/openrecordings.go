package catalogue

import (
	"context"
	"slices"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// recordings_open holds the rows of recordings that are not settled: of millions
// the few that somebody must care for. Views of the server fill it within the
// insert into recordings, so that an insert that is acknowledged is in both, and
// one that failed half-way is in both after it is repeated, as every announcement
// is until it succeeds. What is settled leaves a tombstone, and those are cleaned
// away hourly; a late announcement of something that is archived then shows up as
// if it were new, until somebody asks recordings.
//
// A projection of recordings was rejected, since FINAL does not use one, and so
// was recordings by state, where merges would leave both rows of a recording.

// settledStates are what recordings_open holds tombstones of: what is erased, and what
// is archived and not to be fetched again.
const settledStates = `(state = 'erased' OR state = 'archived' AND isNull(next_attempt_at))`

// DueRecordings lists what should be tried now, what expires first first, at
// most limit: announced ones without a planned attempt, and announced,
// retrying, missing, refused and quarantined ones, and those given up that
// somebody wishes for, whose next attempt has come.
//
// They are read from recordings_open and compared with recordings; what is
// outdated there is brought up to date and left out. What recordings does not
// know is listed: a table that was lost is no reason to lose a recording, too. Of
// each row only what a job goes by is read: jobColumns.
func (db *DB) DueRecordings(ctx context.Context, now time.Time, limit int) ([]call.RecordingStatus, error) {
	return db.openRecordings(ctx, "read due recordings", due, []any{warehouse.ToMilli(now).UnixMilli()}, limit)
}

// RefusedRecordings lists what the rules refuse, whenever it is to be tried
// again, otherwise as DueRecordings.
func (db *DB) RefusedRecordings(ctx context.Context, limit int) ([]call.RecordingStatus, error) {
	return db.openRecordings(ctx, "read refused recordings", "state = 'refused'", nil, limit)
}

func (db *DB) openRecordings(ctx context.Context, what, where string, args []any, limit int) ([]call.RecordingStatus, error) {
	var out []call.RecordingStatus
	err := db.Do(ctx, what, warehouse.ReadTimeout, func(ctx context.Context) error {
		for {
			rows, versions, err := db.openRows(ctx, where, args, limit)
			if err != nil {
				return err
			}
			if out, err = db.current(ctx, rows, versions); err != nil {
				return err
			}
			// A page that was mostly outdated is read once more.
			if len(rows) < limit || len(out) > limit/2 {
				return nil
			}
		}
	})
	return out, err
}

func (db *DB) openRows(ctx context.Context, where string, args []any, limit int) (rows []call.RecordingStatus, versions []uint64, err error) {
	err = db.Query(ctx, `SELECT `+jobColumns+`, version FROM recordings_open FINAL WHERE `+where+`
		ORDER BY expires_at, integration, recording_id LIMIT ?`, append(slices.Clone(args), limit), func(r warehouse.Rows) error {
		var version uint64
		s, err := scanJob(r, &version)
		rows, versions = append(rows, s), append(versions, version)
		return err
	})
	return rows, versions, err
}

// current returns the rows that recordings has no later version of, and mends
// the others in recordings_open.
func (db *DB) current(ctx context.Context, rows []call.RecordingStatus, versions []uint64) ([]call.RecordingStatus, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	asked, err := withKeys(ctx, len(rows), func(i int) Key { return keyOf(rows[i].Recording) })
	if err != nil {
		return nil, err
	}
	newest := map[Key]uint64{}
	err = db.Query(asked, `SELECT integration, recording_id, max(version) FROM recordings WHERE (integration, recording_id) IN asked
		GROUP BY integration, recording_id`, nil, func(r warehouse.Rows) error {
		var k Key
		var version uint64
		err := r.Scan(&k.Integration, &k.ID, &version)
		newest[k] = version
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]call.RecordingStatus, 0, len(rows))
	for i, s := range rows {
		if newest[keyOf(s.Recording)] <= versions[i] {
			out = append(out, s)
		}
	}
	if len(out) == len(rows) {
		return out, nil
	}
	return out, db.reopen(asked, "(integration, recording_id) IN asked")
}

// reopen writes rows of recordings to recordings_open as the views would have.
func (db *DB) reopen(ctx context.Context, which string) error {
	return db.Exec(ctx, `INSERT INTO recordings_open (`+openColumns+written+`, is_deleted)
		SELECT `+openColumns+written+`, `+settledStates+` FROM recordings FINAL WHERE `+which)
}

// staleOpenRows selects the recordings whose row in recordings_open disagrees with
// recordings. Those of the last five minutes are left out, because the two tables are
// not read at one moment.
const staleOpenRows = `updated_at < now() - 300 AND if(` + settledStates + `,
	(integration, recording_id) IN (SELECT integration, recording_id FROM recordings_open FINAL),
	(integration, recording_id, version) NOT IN (SELECT integration, recording_id, version FROM recordings_open FINAL))`

// MendOpenRecordings compares recordings_open with all of recordings, brings it
// up to date, and cleans away what is settled. missing counts what it lacked,
// which should never be; settled what it had in vain. It takes 0.15 s for each
// million of recordings.
func (db *DB) MendOpenRecordings(ctx context.Context) (missing, settled uint64, err error) {
	err = db.Do(ctx, "mend open recordings", warehouse.WorkTimeout, func(ctx context.Context) error {
		err := db.QueryRow(ctx, `SELECT countIf(NOT `+settledStates+`), countIf(`+settledStates+`)
			FROM recordings FINAL WHERE `+staleOpenRows).Scan(&missing, &settled)
		if err != nil {
			return err
		}
		if missing+settled > 0 {
			if err := db.reopen(ctx, staleOpenRows); err != nil {
				return err
			}
		}
		return db.Exec(ctx, "OPTIMIZE TABLE recordings_open FINAL CLEANUP")
	})
	return missing, settled, err
}
