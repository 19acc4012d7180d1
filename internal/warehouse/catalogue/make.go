package catalogue

import (
	"context"
	"database/sql"
	"fmt"
)

// MakeCatalogue makes those tables and views of the catalogue of recordings that
// were dropped: recordings, custody, recordings_open and what fills it; see
// warehouse.DB.MigrateAgain. What is there stays as it is: rows that only one of
// recordings and recordings_open has left are in both again, while what
// recordings_open knows to be settled no longer stands against a new announcement.
func (db *DB) MakeCatalogue(ctx context.Context) error {
	return db.MigrateAgain(ctx, func(ctx context.Context, std *sql.DB) error {
		for _, statement := range []string{
			// What is archived comes back from the bucket, where all of it is known.
			`DELETE FROM recordings_open WHERE state = 'archived' AND (integration, recording_id) NOT IN (SELECT integration, recording_id FROM recordings)`,
			`INSERT INTO recordings (` + openColumns + written + `) SELECT ` + openColumns + written + ` FROM recordings_open FINAL
			WHERE (integration, recording_id) NOT IN (
				SELECT integration, recording_id FROM recordings
				WHERE (integration, recording_id) IN (SELECT integration, recording_id FROM recordings_open))`,
			`INSERT INTO recordings_open (` + openColumns + written + `, is_deleted) SELECT ` + openColumns + written + `, 0
			FROM recordings FINAL WHERE NOT ` + settledStates,
			"OPTIMIZE TABLE recordings_open FINAL CLEANUP",
		} {
			if _, err := std.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("rows of recordings_open: %w", err)
			}
		}
		return nil
	})
}
