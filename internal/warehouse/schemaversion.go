package warehouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

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
// no schema yet. Tables of before the first release have none: ErrOlderLayout.
func (db *DB) SchemaVersion(ctx context.Context) (int64, error) {
	var v int64
	err := db.Do(ctx, "schema version", ReadTimeout, func(ctx context.Context) error {
		err := db.refuseOlderLayout(ctx)
		if err == nil {
			err = db.QueryRow(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&v)
		}
		if c := code(err); c == codeUnknownTable || c == codeUnknownDatabase {
			return nil
		}
		return err
	})
	return v, err
}

// refuseOlderLayout looks at the tables and not at goose's numbers: those of before
// the first release overlap with the ones of today, and a migration that was broken
// off noted none.
func (db *DB) refuseOlderLayout(ctx context.Context) error {
	var tables []string
	err := db.Query(ctx, `SELECT table FROM system.columns WHERE database = currentDatabase()
		AND table IN ('events', 'touched', 'recordings', 'recordings_open') AND name = 'call_id' ORDER BY table`, nil, func(r driver.Rows) error {
		var table string
		err := r.Scan(&table)
		tables = append(tables, table)
		return err
	})
	if err == nil && len(tables) > 0 {
		err = fmt.Errorf("%s: %w", strings.Join(tables, ", "), ErrOlderLayout)
	}
	return err
}
