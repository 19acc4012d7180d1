package catalogue

import (
	"context"
	"errors"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/custody"
	"fonoteka/internal/warehouse"
)

const custodyColumns = "integration, recording_id, at, step, attempt, sha256, detail"

// AddCustody adds steps to the chain of custody. A step that is added again
// with equal content on the same day is one step.
func (db *DB) AddCustody(ctx context.Context, steps []call.Custody) error {
	return db.Do(ctx, "add custody", warehouse.InsertTimeout, func(ctx context.Context) error {
		return db.insertCustody(ctx, steps)
	})
}

func (db *DB) insertCustody(ctx context.Context, steps []call.Custody) error {
	day := writtenOn(time.Now(), db.SealedDay())
	return db.Insert(ctx, "custody", custodyColumns+", written_on", len(steps),
		func(b warehouse.Batch) error {
			for _, c := range steps {
				err := b.Append(c.Integration, c.RecordingID, warehouse.ToMilli(c.At), c.Step, warehouse.ClampUint32(c.Attempt), c.SHA256, c.Detail, day)
				if err != nil {
					return err
				}
			}
			return nil
		})
}

// writtenOn is the day that steps bear which are written now: never one that is
// sealed, also where the clock went back.
func writtenOn(now, sealed time.Time) time.Time {
	day := now.UTC().Truncate(24 * time.Hour)
	if !sealed.IsZero() && !day.After(sealed) {
		return sealed.Add(24 * time.Hour)
	}
	return day
}

// EachCustody gives the steps that were written from the day from to the day to,
// both included, in order of all their fields, with the day on which they were
// written; a step that was written on several days comes with each. It goes
// through the table in its own order, and holds a block of it at a time. An error
// of each ends it.
func (db *DB) EachCustody(ctx context.Context, from, to time.Time, each func(writtenOn time.Time, c call.Custody) error) error {
	return db.eachStep(ctx, "stream custody", "written_on BETWEEN ? AND ?", []any{dayOf(from), dayOf(to)}, each)
}

// EachChained gives the steps of all recordings of which a step was written from the day
// from to the day to: all that were written until then, as EachCustody does.
func (db *DB) EachChained(ctx context.Context, from, to time.Time, each func(writtenOn time.Time, c call.Custody) error) error {
	where, args := "written_on <= ?", []any{dayOf(to)}
	if from.Unix() > 0 { // else the steps of all recordings are read anyway
		where += " AND (integration, recording_id) IN (SELECT integration, recording_id FROM custody WHERE written_on BETWEEN ? AND ?)"
		args = append(args, dayOf(from), dayOf(to))
	}
	return db.eachStep(ctx, "stream chains of custody", where, args, each)
}

// StepsOf gives all steps of some recordings, as EachCustody does.
func (db *DB) StepsOf(ctx context.Context, keys []Key, each func(writtenOn time.Time, c call.Custody) error) error {
	ctx, err := withKeys(ctx, len(keys), func(i int) Key { return keys[i] })
	if err != nil {
		return err
	}
	return db.eachStep(ctx, "read custody", "(integration, recording_id) IN asked", nil, each)
}

func (db *DB) eachStep(ctx context.Context, what, where string, args []any, each func(writtenOn time.Time, c call.Custody) error) error {
	return db.Do(ctx, what, warehouse.StreamTimeout, func(ctx context.Context) error {
		ctx = warehouse.WithSettings(ctx, warehouse.Settings{"optimize_read_in_order": 1, "max_threads": 1, "max_block_size": 8192, "final": 0})
		var last custody.Written
		some := false
		return db.Query(ctx, "SELECT "+custodyColumns+", written_on FROM custody WHERE "+where+" ORDER BY "+custodyColumns+", written_on",
			args, func(r warehouse.Rows) error {
				var now custody.Written
				var attempt uint32
				if err := r.Scan(&now.Integration, &now.RecordingID, &now.At, &now.Step, &attempt, &now.SHA256, &now.Detail, &now.On); err != nil {
					return err
				}
				now.At, now.On, now.Attempt = now.At.UTC(), now.On.UTC(), int(attempt)
				if some && now == last { // not merged yet
					return nil
				}
				last, some = now, true
				return each(now.On, now.Custody)
			})
	})
}

// CustodySecret is what the salts of chains are made from. It is made with its table.
func (db *DB) CustodySecret(ctx context.Context) (secret string, err error) {
	err = db.Do(ctx, "read the secret of custody", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.QueryRow(ctx, "SELECT min(secret) FROM custody_secret").Scan(&secret)
	})
	if err == nil && secret == "" {
		err = errors.New("the table custody_secret is empty: chains of custody cannot be computed without what was in it")
	}
	return secret, err
}

func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// CustodyDays are the days before a day on which steps were written, in order.
func (db *DB) CustodyDays(ctx context.Context, before time.Time) ([]time.Time, error) {
	var out []time.Time
	err := db.Do(ctx, "list days of custody", warehouse.StreamTimeout, func(ctx context.Context) error {
		out = out[:0]
		return db.Query(ctx, "SELECT DISTINCT written_on FROM custody WHERE written_on < ? ORDER BY written_on", []any{dayOf(before)}, func(r warehouse.Rows) error {
			var day time.Time
			err := r.Scan(&day)
			out = append(out, day.UTC())
			return err
		})
	})
	return out, err
}
