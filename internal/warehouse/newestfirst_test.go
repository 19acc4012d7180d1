package warehouse_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fonoteka/internal/warehouse"
)

// The table of calls of an older version, with calls in four months, is in every
// state in which its turning may have stopped.
func TestCallsOfAnOlderVersionGetTheNewKey(t *testing.T) {
	t.Parallel()
	const rows = "SELECT count(), sum(cityHash64(*)), sum(cityHash64(newest)) FROM calls FINAL"
	const buried = "SELECT count() FROM calls WHERE toYYYYMM(started_at) = 202703 AND is_deleted = 1 SETTINGS final = 0"
	for name, stopped := range map[string][]string{
		"before anything": {"DROP TABLE calls", "RENAME TABLE old TO calls"},
		"in the midst of copying": {
			"CREATE TABLE calls_turned_1 AS calls", "INSERT INTO calls_turned_1 SELECT * FROM calls WHERE started_at < '2026-02-10'",
			"DROP TABLE calls", "RENAME TABLE old TO calls",
		},
		"in the midst of copying, and calls have changed since": {
			"CREATE TABLE calls_turned_1 AS calls",
			"INSERT INTO calls_turned_1 SELECT * REPLACE ('of then' AS client_number, version - 1 AS version, 0 AS is_deleted) FROM calls WHERE started_at < '2026-02-10'",
			"DROP TABLE calls", "RENAME TABLE old TO calls",
		},
		"before what came meanwhile was copied": {"ALTER TABLE calls DROP PARTITION 202602", "ALTER TABLE calls DROP PARTITION 202703", "RENAME TABLE old TO calls_turned_1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			ask(t, db, `INSERT INTO calls (integration, call_id, group_id, client_number, started_at, version, is_deleted)
				SELECT 'main', number, number, toString(number), toDateTime64('2026-01-01 00:00:00.123', 3, 'UTC') + toIntervalHour(number), 1 + number % 3, number % 7 = 0 FROM numbers(2500)`)
			ask(t, db, `INSERT INTO calls (integration, call_id, group_id, started_at, version, is_deleted) VALUES ('main', 7, 7, '2027-03-01 00:00:00', 1, 1)`)
			want, key := ask(t, db, rows), ask(t, db, "SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = 'calls'")
			ask(t, db, "CREATE TABLE old AS calls ENGINE = ReplacingMergeTree(version, is_deleted) PARTITION BY toYYYYMM(started_at) ORDER BY (started_at, integration, call_id)")
			ask(t, db, "ALTER TABLE old DROP INDEX started, DROP COLUMN newest")
			ask(t, db, "INSERT INTO old SELECT * FROM calls")
			for _, statement := range stopped {
				ask(t, db, statement)
			}
			ask(t, db, "ALTER TABLE goose_db_version DELETE WHERE version_id = 33 SETTINGS mutations_sync = 1")
			must(t, db.Migrate(t.Context(), nil))
			if got := ask(t, db, rows); got != want {
				t.Errorf("rows %s, want %s", got, want)
			}
			if got := ask(t, db, buried); got != "1" {
				t.Errorf("%s rows of a month in which all are deleted", got)
			}
			if got := ask(t, db, "SELECT name, sorting_key FROM system.tables WHERE database = currentDatabase() AND (name = 'old' OR name LIKE 'calls\\_%' OR name = 'calls') AND name != 'calls_by_client'"); got != "calls\t"+key {
				t.Errorf("tables %q, want only calls by %s", got, key)
			}
		})
	}
}

func TestAFailedCopyOfCallsLeavesThemAsTheyWere(t *testing.T) {
	t.Parallel()
	db := open(t)
	ask(t, db, "CREATE TABLE old AS calls ENGINE = ReplacingMergeTree(version, is_deleted) PARTITION BY toYYYYMM(started_at) ORDER BY (started_at, integration, call_id)")
	ask(t, db, "INSERT INTO old (integration, call_id, started_at, version) VALUES ('main', 5, '2026-01-01 00:00:00', 1)")
	ask(t, db, "ALTER TABLE old ADD CONSTRAINT other CHECK call_id != 5") // of rows to come, and so of the copy
	ask(t, db, "EXCHANGE TABLES calls AND old")
	ask(t, db, "DROP TABLE old")
	ask(t, db, "ALTER TABLE goose_db_version DELETE WHERE version_id = 33 SETTINGS mutations_sync = 1")
	if err := db.Migrate(t.Context(), nil); !strings.Contains(warehouse.ServerWords(err), "Constraint") {
		t.Fatalf("got %v", err)
	}
	if got := ask(t, db, "SELECT groupArray(name) FROM (SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 'calls') ORDER BY name)"); got != "['calls','calls_by_client']" {
		t.Errorf("tables %s", got)
	}
	ask(t, db, "ALTER TABLE calls DROP CONSTRAINT other")
	must(t, db.Migrate(t.Context(), nil))
	if got := ask(t, db, "SELECT groupArray(call_id) FROM report_calls"); got != "[5]" {
		t.Errorf("calls %s", got)
	}
}

func TestCallsAreCopiedBackIntoATableWithMoreColumns(t *testing.T) {
	t.Parallel()
	db := open(t)
	ask(t, db, "CREATE TABLE calls_taken_1 AS calls")
	ask(t, db, "INSERT INTO calls_taken_1 (integration, call_id, started_at, version) VALUES ('main', 5, '2026-01-01 00:00:00', 1)")
	ask(t, db, "ALTER TABLE calls ADD COLUMN later UInt8 DEFAULT 7 AFTER call_id")
	must(t, db.Migrate(t.Context(), nil))
	if got := ask(t, db, "SELECT integration, call_id, later, version FROM calls"); got != "main\t5\t7\t1" {
		t.Errorf("got %s", got)
	}
}

func TestALongCopyOfCallsIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	o := options(t)
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	db := migrated(t, o)
	if log.Len() > 0 {
		t.Errorf("without any calls: %s", &log)
	}
	ask(t, db, "CREATE TABLE old AS calls ENGINE = ReplacingMergeTree(version, is_deleted) PARTITION BY toYYYYMM(started_at) ORDER BY (started_at, integration, call_id)")
	ask(t, db, "INSERT INTO old (integration, call_id, started_at, version) SELECT 'main', number, toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalHour(number), 1 FROM numbers(2500)")
	ask(t, db, "EXCHANGE TABLES calls AND old")
	ask(t, db, "DROP TABLE old")
	ask(t, db, "ALTER TABLE goose_db_version DELETE WHERE version_id = 33 SETTINGS mutations_sync = 1")
	must(t, db.Migrate(t.Context(), nil))
	for _, want := range []string{"rows=0 of=2500", "rows=2500 of=2500"} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("%q is not logged once:\n%s", want, &log)
		}
	}
}

func TestACopyIsLoggedEveryHalfMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		copied := warehouse.Copied(slog.New(slog.NewTextHandler(&log, nil)), 700)
		for range 700 { // seconds
			time.Sleep(time.Second)
			copied(1)
		}
		if n := strings.Count(log.String(), "\n"); n != 1+23 {
			t.Errorf("logged %d times:\n%s", n, &log)
		}
	})
}

func TestTheNewestCallsAreReadInOrder(t *testing.T) {
	t.Parallel()
	db := open(t)
	ask(t, db, `INSERT INTO calls (integration, call_id, group_id, started_at, version, is_deleted)
		SELECT 'main', number, number, toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalHour(number), 1, 0 FROM numbers(2500)`)
	const newest = "SELECT * FROM report_calls ORDER BY started_at DESC LIMIT 10"
	if plan := ask(t, db, "SELECT arrayStringConcat(groupArray(explain), '\\n') FROM (EXPLAIN actions = 1 "+newest+")"); !strings.Contains(plan, "Read type: InOrder") || !strings.Contains(plan, "Lazily read columns") {
		t.Errorf("all calls are looked at:\n%s", plan)
	}
	if got := ask(t, db, "SELECT groupArray(call_id) FROM ("+newest+")"); got != "[2499,2498,2497,2496,2495,2494,2493,2492,2491,2490]" {
		t.Errorf("got %s", got)
	}
}
