package warehouse_test

import (
	"testing"
	"testing/fstest"
	"time"

	"fonoteka/schema"
)

// A database of the version before has all of what waits after the migration, and
// what is found short then is open.
func TestAFilledDatabaseGetsTheColumnsOfShortRecordings(t *testing.T) {
	t.Parallel()
	db := connect(t, options(t))
	before, err := schema.Current()
	must(t, err)
	before.Migrations = fstest.MapFS{"README.md": {}}
	before.Views = schema.Views{}
	db.Make(before)
	must(t, db.Migrate(t.Context(), nil))
	must(t, db.Exec(t.Context(), `INSERT INTO recordings (integration, recording_id, state, announced_at, attempt, next_attempt_at, duration_ms, group_id, account_id, expires_at, version)
		SELECT 'main', lower(hex(toFixedString(toString(number), 16))), ['announced', 'missing', 'archived', 'erased'][number % 4 + 1], now64(3), number % 4, if(number % 4 = 1, now64(3) + INTERVAL 1 HOUR, NULL), 20000, 7, '883140000000001', now64(3) + INTERVAL 80 DAY, number + 1000
		FROM numbers(400)`))
	rows := "SELECT count(), sum(version), countIf(state IN ('archived', 'erased')) FROM recordings_open FINAL FORMAT TSV"
	want := ask(t, db, rows)
	// As if some had come between the two views.
	must(t, db.Exec(t.Context(), "ALTER TABLE recordings_open DELETE WHERE version < 1040 SETTINGS mutations_sync = 2"))
	now, err := schema.Current()
	must(t, err)
	db.Make(now)
	must(t, db.Migrate(t.Context(), nil))
	if got := ask(t, db, rows); got != want || want[:4] != "200\t" {
		t.Errorf("open are %s, were %s", got, want)
	}
	must(t, db.Exec(t.Context(), `INSERT INTO recordings SELECT * REPLACE (toNullable(now64(3)) AS next_attempt_at) FROM recordings FINAL WHERE state = 'archived' LIMIT 5`))
	due, err := db.DueRecordings(t.Context(), time.Now().Add(time.Minute), 1000)
	must(t, err)
	if len(due) != 105 {
		t.Errorf("%d are due", len(due))
	}
	if missing, settled, err := db.MendOpenRecordings(t.Context()); err != nil || missing != 0 || settled != 0 {
		t.Errorf("mended %d missing, %d settled, %v", missing, settled, err)
	}
}
