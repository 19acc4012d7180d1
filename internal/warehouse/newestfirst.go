package warehouse

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"
)

// newestFirst is a migration that gives calls another key, whose first part
// falls as started_at rises, so that ORDER BY started_at DESC reads report_calls
// forwards and ends where LIMIT does. Under FINAL the server (26.7) cannot read
// backwards, and its own descending keys (allow_experimental_reverse_key) lose
// rows there.
//
// A key cannot be changed, so that the rows are copied into another table, which
// takes the name of calls at once. Several migrators may do so: each puts a whole
// table with the new key in the place of what is there, and drops what it took
// away when all its rows are in calls.
var newestFirst = goose.NewGoMigration(33, &goose.GoFunc{RunDB: func(ctx context.Context, db *sql.DB) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"final": 0, "async_insert": 0, "max_table_size_to_drop": 0,
	}))
	var key string
	if err := db.QueryRowContext(ctx, "SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = 'calls'").Scan(&key); err != nil {
		return err
	}
	if key == "started_at, integration, call_id" {
		if err := turnCalls(ctx, db); err != nil {
			return err
		}
	}
	// Its own, and those of migrators that were stopped.
	var taken []string
	if err := db.QueryRowContext(ctx, "SELECT groupArray(name) FROM system.tables WHERE database = currentDatabase() AND name LIKE 'calls\\_turned\\_%'").Scan(&taken); err != nil {
		return err
	}
	for _, table := range taken {
		if err := copyCalls(ctx, db, table, "calls"); err != nil {
			return err
		}
		if _, err := db.ExecContext(ctx, "DROP TABLE IF EXISTS "+table+" SYNC"); err != nil {
			return err
		}
	}
	return nil
}}, nil)

// turnCalls makes a table with the new key and all calls in it, and exchanges the
// names of both.
func turnCalls(ctx context.Context, db *sql.DB) error {
	turned := fmt.Sprintf("calls_turned_%x", rand.Uint64())
	for _, statement := range []string{
		"ALTER TABLE calls ADD COLUMN IF NOT EXISTS newest Decimal64(3) MATERIALIZED -CAST(started_at, 'Decimal64(3)') COMMENT 'started_at, negated: the key begins with it' CODEC(Delta(8), ZSTD(1)) AFTER hung_up",
		"ALTER TABLE calls ADD INDEX IF NOT EXISTS started started_at TYPE minmax GRANULARITY 1",
		"CREATE TABLE " + turned + ` AS calls
		ENGINE = ReplacingMergeTree(version, is_deleted)
		PARTITION BY toYYYYMM(started_at)
		ORDER BY (newest, started_at, integration, call_id)
		SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1,
			min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1`,
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if err := copyCalls(ctx, db, "calls", turned); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, "EXCHANGE TABLES calls AND "+turned)
	return err
}

// copyCalls copies the months whose rows the other table does not show.
func copyCalls(ctx context.Context, db *sql.DB, from, to string) error {
	const shown = "(SELECT toYYYYMM(started_at) AS month, sum(cityHash64(call_id, version)) AS rows FROM %s FINAL GROUP BY month)"
	var months []uint32
	if err := db.QueryRowContext(ctx, fmt.Sprintf("SELECT groupArray(month) FROM (SELECT month FROM "+shown+" AS f LEFT ANTI JOIN "+shown+" AS t USING (month, rows) ORDER BY month)", from, to)).Scan(&months); err != nil {
		return err
	}
	for _, month := range months {
		if _, err := db.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s SELECT * FROM %s WHERE toYYYYMM(started_at) = %d", to, from, month)); err != nil {
			return err
		}
	}
	return nil
}
