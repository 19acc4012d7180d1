package catalogue

import (
	"context"
	"time"

	"fonoteka/internal/call"
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
	return db.Do(ctx, "stream custody", warehouse.StreamTimeout, func(ctx context.Context) error {
		ctx = warehouse.WithSettings(ctx, warehouse.Settings{"optimize_read_in_order": 1, "max_threads": 1, "max_block_size": 8192, "final": 0})
		type row struct {
			day time.Time
			c   call.Custody
		}
		var last row
		some := false
		return db.Query(ctx, "SELECT "+custodyColumns+", written_on FROM custody WHERE written_on BETWEEN ? AND ? ORDER BY "+custodyColumns+", written_on",
			[]any{from.UTC().Format(time.DateOnly), to.UTC().Format(time.DateOnly)}, func(r warehouse.Rows) error {
				var now row
				var attempt uint32
				if err := r.Scan(&now.c.Integration, &now.c.RecordingID, &now.c.At, &now.c.Step, &attempt, &now.c.SHA256, &now.c.Detail, &now.day); err != nil {
					return err
				}
				now.c.At, now.c.Attempt = now.c.At.UTC(), int(attempt)
				if some && now == last { // not merged yet
					return nil
				}
				last, some = now, true
				return each(now.day.UTC(), now.c)
			})
	})
}

// CustodyDays are the days before a day on which steps were written, in order.
func (db *DB) CustodyDays(ctx context.Context, before time.Time) ([]time.Time, error) {
	var out []time.Time
	err := db.Do(ctx, "list days of custody", warehouse.StreamTimeout, func(ctx context.Context) error {
		out = out[:0]
		return db.Query(ctx, "SELECT DISTINCT written_on FROM custody WHERE written_on < ? ORDER BY written_on", []any{before.UTC().Format(time.DateOnly)}, func(r warehouse.Rows) error {
			var day time.Time
			err := r.Scan(&day)
			out = append(out, day.UTC())
			return err
		})
	})
	return out, err
}
