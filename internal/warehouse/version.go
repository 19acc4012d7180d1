package warehouse

import (
	"context"

	"fonoteka/schema"
)

// KnownSchema is the number of the newest migration that this program brings.
func KnownSchema() (newest int64, err error) {
	s, err := schema.Current()
	if err != nil {
		return 0, err
	}
	return s.Number()
}

// SchemaVersion is the number of the newest migration applied; 0 if there is
// no schema yet.
func (db *DB) SchemaVersion(ctx context.Context) (int64, error) {
	var v int64
	err := db.do(ctx, "schema version", readTimeout, func(ctx context.Context) error {
		err := db.conn.QueryRow(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&v)
		if c := code(err); c == codeUnknownTable || c == codeUnknownDatabase {
			return nil
		}
		return err
	})
	return v, err
}
