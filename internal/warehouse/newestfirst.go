package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"
)

// newestFirst is migration 33: it gives calls another key, whose first part falls
// as started_at rises, so that ORDER BY started_at DESC reads report_calls
// forwards and ends where LIMIT does. Under FINAL the server (26.7) cannot read
// backwards, and its own descending keys are an experiment to it
// (allow_experimental_reverse_key). started_at is in the key as well, since the
// server merges months apart only where the partition follows from the key; the
// index serves filters on the column.
//
// A key cannot be changed, so that the rows are copied into another table, which
// takes the name of calls at once. It is in Go since what comes next depends on
// what is there. Several migrators may do it: each puts a whole table with the
// new key in the place of what is there, and takeBack does the rest.
func newestFirst(log *slog.Logger) *goose.Migration {
	m := goose.NewGoMigration(newestFirstVersion, &goose.GoFunc{RunDB: func(ctx context.Context, db *sql.DB) error {
		return layNewestFirst(ctx, db, log)
	}}, nil)
	m.Source = "00033_calls_newest_first.go"
	return m
}

const newestFirstVersion = 33

// Names of the tables that take calls' place, and of those that had it.
const (
	turnedTables = "calls_turned_"
	takenTables  = "calls_taken_"
)

// stragglers is how long an insert may take that had begun before its table was
// taken away.
const stragglers = 5 * time.Second

func layNewestFirst(ctx context.Context, db *sql.DB, log *slog.Logger) (err error) {
	ctx = copying(ctx)
	var old bool
	if err := db.QueryRowContext(ctx, "SELECT count() = 1 FROM system.tables WHERE database = currentDatabase() AND name = 'calls' AND sorting_key = 'started_at, integration, call_id'").Scan(&old); err != nil || !old {
		return err
	}
	var need, free uint64
	if err := db.QueryRowContext(ctx, "SELECT (SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() AND table = 'calls'), (SELECT max(free_space) FROM system.disks)").Scan(&need, &free); err != nil {
		return err
	}
	if need > free {
		return fmt.Errorf("the table calls is laid out anew, which takes %d MiB of free disk; there are %d", need>>20, free>>20)
	}
	turned := fmt.Sprintf("%s%x", turnedTables, rand.Uint64())
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
	if err := copyCalls(ctx, db, log, "calls", turned); err != nil {
		_, dropped := db.ExecContext(context.WithoutCancel(ctx), "DROP TABLE IF EXISTS "+turned+" SYNC")
		return errors.Join(err, dropped)
	}
	_, err = db.ExecContext(ctx, "EXCHANGE TABLES calls AND "+turned)
	return err
}

// takeBack copies into calls what came into the tables that had its name until
// then, also those of migrators that were stopped, and drops them. Each gets
// another name first, so that nobody exchanges it meanwhile.
//
// One that was stopped in the midst of copying leaves what calls had then. It
// cannot be told from a table that was exchanged, and is copied as well, which
// changes nothing: no row of calls is deleted but by a higher version.
func takeBack(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	ctx = copying(ctx)
	list := func(prefix string) (names []string, err error) {
		err = db.QueryRowContext(ctx, "SELECT groupArray(name) FROM system.tables WHERE database = currentDatabase() AND startsWith(name, '"+prefix+"')").Scan(&names)
		return names, err
	}
	turned, err := list(turnedTables)
	if err != nil {
		return err
	}
	for _, table := range turned {
		if _, err := db.ExecContext(ctx, "RENAME TABLE "+table+" TO "+takenTables+table[len(turnedTables):]); err != nil {
			return err
		}
	}
	taken, err := list(takenTables)
	if err != nil {
		return err
	}
	for _, table := range taken {
		var rows uint64
		if err := db.QueryRowContext(ctx, "SELECT count() FROM "+table).Scan(&rows); err != nil {
			return err
		}
		if rows > 0 {
			pause(ctx, stragglers)
		}
		if err := copyCalls(ctx, db, log, table, "calls"); err != nil {
			return err
		}
		if _, err := db.ExecContext(ctx, "DROP TABLE IF EXISTS "+table+" SYNC"); err != nil {
			return err
		}
	}
	return nil
}

// copying is a context for statements that see every row, also deleted ones, and
// may drop a table of any size.
func copying(ctx context.Context) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"final": 0, "async_insert": 0, "max_table_size_to_drop": 0}))
}

// copyCalls copies the months in which the other table does not show the same, or
// has nothing. A column that only the other has gets its default.
func copyCalls(ctx context.Context, db *sql.DB, log *slog.Logger, from, to string) error {
	shown := func(table string) string {
		return fmt.Sprintf(`(SELECT month, sum(row) AS rows FROM (
			SELECT toYYYYMM(started_at) AS month, cityHash64(call_id, version) AS row FROM %s FINAL
			UNION ALL
			SELECT DISTINCT toYYYYMM(started_at), 0 FROM %[1]s) GROUP BY month)`, table)
	}
	var months []uint32
	if err := db.QueryRowContext(ctx, "SELECT groupArray(month) FROM (SELECT month FROM "+shown(from)+" AS f LEFT ANTI JOIN "+shown(to)+" AS t USING (month, rows) ORDER BY month)").Scan(&months); err != nil {
		return err
	}
	if len(months) == 0 {
		return nil
	}
	c := copied{log: log}
	var columns string
	if err := db.QueryRowContext(ctx, "SELECT (SELECT count() FROM "+from+" WHERE has(?, toYYYYMM(started_at))), arrayStringConcat(groupArray(name), ', ') FROM system.columns WHERE database = currentDatabase() AND table = ? AND default_kind NOT IN ('MATERIALIZED', 'ALIAS')", months, from).Scan(&c.total, &columns); err != nil {
		return err
	}
	c.say()
	ctx = clickhouse.Context(ctx, clickhouse.WithProgress(c.add))
	for _, month := range months {
		if _, err := db.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) SELECT %[2]s FROM %[3]s WHERE toYYYYMM(started_at) = %[4]d", to, columns, from, month)); err != nil {
			return err
		}
	}
	c.say()
	return nil
}

// copied logs how far a copy of calls is: when it begins and ends, and every 30 s
// in between.
type copied struct {
	log         *slog.Logger
	rows, total uint64
	said        time.Time
}

func (c *copied) add(p *clickhouse.Progress) {
	c.rows += p.Rows
	if time.Since(c.said) >= 30*time.Second {
		c.say()
	}
}

func (c *copied) say() {
	c.said = time.Now()
	c.log.Info("the table calls is laid out anew", "rows", c.rows, "of", c.total)
}
