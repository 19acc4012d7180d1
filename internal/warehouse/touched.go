package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Touch says that a call got an event, perhaps one that it had already.
type Touch struct {
	CallKey
	At time.Time // when the server took the insert in; microseconds, UTC
}

// Touched reads the deriver's feed in order of time: the touches later than
// after, about limit of them – all of one moment come together, so that going
// on from the last one's At skips none.
//
// A touch may become visible later than its time, and before its event: the
// time is taken when the insert begins. Who reads on from a position must read
// InsertTimeout and some seconds before it again, and derive again what shows
// up there; a derivation that changes nothing is not written. Touches older
// than 30 days are gone.
func (db *DB) Touched(ctx context.Context, after time.Time, limit int) ([]Touch, error) {
	var out []Touch
	err := db.do(ctx, "read touched", readTimeout, func(ctx context.Context) error {
		out = out[:0]
		return db.query(ctx, `
			SELECT inserted_at, integration, group_id
			FROM touched
			WHERE inserted_at > fromUnixTimestamp64Micro(?, 'UTC')
			ORDER BY inserted_at
			LIMIT ? WITH TIES`, []any{micros(after), limit}, func(r driver.Rows) error {
			var t Touch
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

// ServerTime is the server's clock, the one that Touch.At is read from.
func (db *DB) ServerTime(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := db.do(ctx, "read the clock", readTimeout, func(ctx context.Context) error {
		return db.conn.QueryRow(ctx, "SELECT now64(6, 'UTC')").Scan(&t)
	})
	return t.UTC(), err
}

// Progress is the position kept under a name; "" if none was.
func (db *DB) Progress(ctx context.Context, name string) (string, error) {
	var position string
	err := db.do(ctx, "read progress", readTimeout, func(ctx context.Context) error {
		err := db.conn.QueryRow(ctx, "SELECT position FROM progress FINAL WHERE name = ?", name).Scan(&position)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return position, err
}

// SetProgress keeps a position under a name. There must be one writer per name.
// The version counts up from the one stored, so that a clock that was set back
// cannot bring an old position back.
func (db *DB) SetProgress(ctx context.Context, name, position string) error {
	return db.do(ctx, "write progress", InsertTimeout, func(ctx context.Context) error {
		return db.conn.Exec(ctx, `
			INSERT INTO progress (name, position, version)
			SELECT ?, ?, max(version) + 1 FROM progress WHERE name = ?`, name, position, name)
	})
}
