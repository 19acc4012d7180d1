package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// ServerTime is the server's clock, the one that the feed of touched calls and updated_at bear.
func (db *DB) ServerTime(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := db.Do(ctx, "read the clock", ReadTimeout, func(ctx context.Context) error {
		return db.QueryRow(ctx, "SELECT now64(6, 'UTC')").Scan(&t)
	})
	return t.UTC(), err
}

// Progress is the position kept under a name; "" if none was.
func (db *DB) Progress(ctx context.Context, name string) (string, error) {
	var position string
	err := db.Do(ctx, "read progress", ReadTimeout, func(ctx context.Context) error {
		err := db.QueryRow(ctx, "SELECT position FROM progress FINAL WHERE name = ?", name).Scan(&position)
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
	return db.Do(ctx, "write progress", InsertTimeout, func(ctx context.Context) error {
		return db.Exec(ctx, `
			INSERT INTO progress (name, position, version)
			SELECT ?, ?, max(version) + 1 FROM progress WHERE name = ?`, name, position, name)
	})
}
