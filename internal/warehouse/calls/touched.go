package calls

import (
	"context"
	"time"

	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse"
)

// Touched reads the deriver's feed in order of time: the touches later than
// after, about limit of them – all of one moment come together, so that going
// on from the last one's At skips none.
//
// A touch may become visible later than its time, and before its event: the
// time is taken when the insert begins. Who reads on from a position must read
// warehouse.InsertTimeout and some seconds before it again, and derive again what shows
// up there; a derivation that changes nothing is not written. Touches older
// than 30 days are gone.
func (db *DB) Touched(ctx context.Context, after time.Time, limit int) ([]cdr.Touch, error) {
	var out []cdr.Touch
	err := db.Do(ctx, "read touched", warehouse.ReadTimeout, func(ctx context.Context) error {
		out = out[:0]
		return db.Query(ctx, `
			SELECT inserted_at, integration, group_id
			FROM touched
			WHERE inserted_at > fromUnixTimestamp64Micro(?, 'UTC')
			ORDER BY inserted_at
			LIMIT ? WITH TIES`, []any{micros(after), limit}, func(r warehouse.Rows) error {
			var t cdr.Touch
			if err := r.Scan(&t.At, &t.Integration, &t.GroupID); err != nil {
				return err
			}
			t.At = t.At.UTC()
			out = append(out, t)
			return nil
		})
	})
	return out, err
}

// micros is a time for a query; the zero time is 1970.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
