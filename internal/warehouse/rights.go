package warehouse

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// needed are the rights on its database without which serve cannot work: to bring
// tables, views and dictionaries up to date, to write and to read.
var needed = []string{
	"SELECT", "INSERT", "ALTER", "CREATE TABLE", "CREATE VIEW", "CREATE DICTIONARY",
	"DROP TABLE", "DROP VIEW", "DROP DICTIONARY", "OPTIMIZE", "dictGet", "SYSTEM RELOAD DICTIONARY",
}

// MissingRights names what the user lacks that serve needs: rights on the database, or a
// profile that lets it write. Nothing is changed to find out. A server that cannot be
// asked for rights (CHECK GRANT is of version 24.11) is an error.
func (db *DB) MissingRights(ctx context.Context) (missing []string, err error) {
	err = db.Do(ctx, "check rights", ReadTimeout, func(ctx context.Context) error {
		missing = nil
		var readonly string
		if err := db.QueryRow(ctx, "SELECT toString(getSetting('readonly'))").Scan(&readonly); err != nil {
			return err
		}
		if readonly != "0" {
			missing = append(missing, fmt.Sprintf("to write at all (its profile has readonly = %s)", readonly))
		}
		for _, right := range needed {
			on := quoteName(db.opts.Database) + ".*"
			if strings.HasPrefix(right, "SYSTEM ") {
				on = "*.*"
			}
			var granted uint8
			if err := db.QueryRow(ctx, "CHECK GRANT "+right+" ON "+on).Scan(&granted); err != nil {
				return err
			}
			if granted == 0 {
				missing = append(missing, right+" on "+on)
			}
		}
		return nil
	})
	return missing, err
}

// Empty reports that the tables are there, and neither a notification nor a recording is
// in them.
func (db *DB) Empty(ctx context.Context) (bool, error) {
	var tables, rows uint64
	err := db.Do(ctx, "look for rows", ReadTimeout, func(ctx context.Context) error {
		return db.QueryRow(ctx, `SELECT count(), coalesce(sum(total_rows), 0) FROM system.tables
			WHERE database = currentDatabase() AND name IN ('events', 'recordings')`).Scan(&tables, &rows)
	})
	return err == nil && tables > 0 && rows == 0, err
}

// HTTP asks the HTTP port, which serves QueryFormat alone, for a sign of life.
func (db *DB) HTTP(ctx context.Context) error {
	return db.QueryFormat(ctx, io.Discard, "SELECT 1", "TSV")
}
