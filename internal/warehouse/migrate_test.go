package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
	"fonoteka/schema"
)

// withMigrations is this program's schema and more migrations.
func withMigrations(t *testing.T, files map[string]string) schema.Set {
	t.Helper()
	s, err := schema.Current()
	must(t, err)
	more := fstest.MapFS{}
	must(t, fs.WalkDir(s.Migrations, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(s.Migrations, name)
		more[name] = &fstest.MapFile{Data: text}
		return err
	}))
	for name, text := range files {
		more[name] = &fstest.MapFile{Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\n" + text + "\n")}
	}
	s.Migrations = more
	return s
}

// shape is everything that migrations make, without the database's name.
func shape(t *testing.T, o warehouse.Options) string {
	t.Helper()
	db := connect(t, o)
	tables := ask(t, db, `SELECT name, engine, create_table_query FROM system.tables WHERE database = currentDatabase() ORDER BY name`)
	columns := ask(t, db, `SELECT table, name, type, default_kind, default_expression, compression_codec
		FROM system.columns WHERE database = currentDatabase() ORDER BY table, position`)
	return strings.ReplaceAll(tables+"\n"+columns, o.Database+".", "")
}

func TestMigrateAgainChangesNothing(t *testing.T) {
	t.Parallel()
	o := options(t)
	db := connect(t, o)
	v, err := db.SchemaVersion(t.Context())
	if err != nil || v != 0 {
		t.Fatalf("version before any migration: %d, %v", v, err)
	}
	var steps []warehouse.Migration
	must(t, db.Migrate(t.Context(), func(m warehouse.Migration) { steps = append(steps, m) }))
	before := shape(t, o)
	if !strings.Contains(before, "calls_by_client") || len(steps) == 0 {
		t.Fatalf("%d steps made:\n%s", len(steps), before)
	}
	v, err = db.SchemaVersion(t.Context())
	if err != nil || v != steps[len(steps)-1].Version {
		t.Errorf("version %d, %v after step %d", v, err, steps[len(steps)-1].Version)
	}
	must(t, db.Migrate(t.Context(), func(m warehouse.Migration) { t.Errorf("applied %s again", m.Name) }))
}

// A crash may come after the migration, before its version was noted.
func TestEachMigrationMayRunTwice(t *testing.T) {
	t.Parallel()
	whole, broken := options(t), options(t)
	migrated(t, whole)
	db := connect(t, broken)
	made := map[int64]bool{}
	for {
		ctx, crash := context.WithCancel(t.Context())
		var last int64
		err := db.Migrate(ctx, func(m warehouse.Migration) {
			if !made[m.Version] {
				made[m.Version], last = true, m.Version
				crash()
			}
		})
		crash()
		if last == 0 {
			must(t, err)
			break
		}
		ask(t, db, fmt.Sprintf("ALTER TABLE goose_db_version DELETE WHERE version_id = %d SETTINGS mutations_sync = 1", last))
	}
	if diff := cmp.Diff(shape(t, whole), shape(t, broken)); diff != "" {
		t.Error(diff)
	}
}

// catalogueTables are the tables that hold it, and the views between them.
var catalogueTables = []string{"recordings", "custody", "recordings_open", "recordings_opened", "recordings_settled"}

func TestTheCatalogueIsMadeAgainAsItWas(t *testing.T) {
	t.Parallel()
	for name, dropped := range map[string][]string{
		"nothing": nil, "all": catalogueTables, "recordings": {"recordings"}, "recordings_open": {"recordings_open"}, "views": catalogueTables[3:],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			migrated(t, o)
			db := connect(t, o)
			must(t, db.Describe(t.Context()))
			before := shape(t, o)
			must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{
				{Recording: call.Recording{Integration: "main", ID: "early"}, State: call.Retrying, Attempt: 1, Failure: call.Failure{Code: call.CodeBadLink}},
				{Recording: call.Recording{Integration: "main", ID: "settled"}, State: call.Archived, Attempt: 1},
			}))
			for _, table := range dropped {
				must(t, db.Exec(t.Context(), "DROP TABLE "+table+" SYNC"))
			}
			for range 2 {
				must(t, db.MakeCatalogue(t.Context()))
				must(t, db.Describe(t.Context()))
			}
			if diff := cmp.Diff(before, shape(t, o)); diff != "" {
				t.Errorf("-before +after:\n%s", diff)
			}
			// Rows that were in either are in both, and so are new ones, also of what
			// was settled before.
			want := "early:the link cannot be read as an address on the web\nlate:"
			if name == "all" {
				want = "late:"
			}
			if name == "all" || name == "recordings" {
				must(t, db.AnnounceRecordings(t.Context(), []call.Recording{{Integration: "main", ID: "settled"}}))
				want += "\nsettled:"
			}
			must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{
				{Recording: call.Recording{Integration: "main", ID: "late"}, State: call.Retrying, Attempt: 1},
				{Recording: call.Recording{Integration: "main", ID: "whole"}, State: call.Archived, Attempt: 1},
			}))
			for _, from := range []string{"recordings FINAL WHERE state != 'archived'", "recordings_open FINAL"} {
				if got := ask(t, db, "SELECT concat(recording_id, ':', reason) AS row FROM "+from+" ORDER BY row"); got != want {
					t.Errorf("%s:\n%s", from, got)
				}
			}
		})
	}
}

// A column that a later migration gave to a table of the catalogue is there again.
func TestTheCatalogueIsMadeAgainAsTheNewestMigrationLeftIt(t *testing.T) {
	t.Parallel()
	db := connect(t, options(t))
	db.Make(withMigrations(t, map[string]string{
		"90000_codec.sql": "ALTER TABLE recordings ADD COLUMN IF NOT EXISTS codec String AFTER size;",
	}))
	must(t, db.Migrate(t.Context(), nil))
	must(t, db.Exec(t.Context(), "DROP TABLE recordings SYNC"))
	must(t, db.MakeCatalogue(t.Context()))
	if got := ask(t, db, "SELECT count(codec) FROM recordings"); got != "0" {
		t.Errorf("got %s", got)
	}
}

func TestMigratorsAtOnceEndInTheSameSchema(t *testing.T) {
	t.Parallel()
	alone, together := options(t), options(t)
	migrated(t, alone)
	var g errgroup.Group
	for range 4 {
		db := connect(t, together)
		g.Go(func() error { return db.Migrate(t.Context(), nil) })
	}
	must(t, g.Wait())
	if diff := cmp.Diff(shape(t, alone), shape(t, together)); diff != "" {
		t.Error(diff)
	}
}

// Another process may apply later migrations while this one is at an earlier.
func TestAMigrationThatEndsLateUndoesNoLaterOne(t *testing.T) {
	t.Parallel()
	alone, late := options(t), options(t)
	migrated(t, alone)
	migrated(t, late)
	db := connect(t, late)
	ask(t, db, "ALTER TABLE goose_db_version DELETE WHERE version_id = 2 SETTINGS mutations_sync = 2")
	must(t, db.Migrate(t.Context(), nil))
	if diff := cmp.Diff(shape(t, alone), shape(t, late)); diff != "" {
		t.Error(diff)
	}
}

func TestMigrateRefusesANewerDatabase(t *testing.T) {
	t.Parallel()
	db := open(t)
	ask(t, db, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
	if err := db.Migrate(t.Context(), nil); !errors.Is(err, warehouse.ErrNewer) {
		t.Fatalf("got %v", err)
	}
}

// Whole, or broken off after its first statement: before any number was noted, and at
// the number that is the newest one today.
func TestMigrateLeavesTheLayoutBeforeTheFirstReleaseAlone(t *testing.T) {
	t.Parallel()
	const events = "CREATE TABLE events (integration LowCardinality(String), call_id UInt64, event_id UInt64) ENGINE = ReplacingMergeTree ORDER BY (integration, call_id, event_id)"
	const goose = "CREATE TABLE goose_db_version (version_id Int64, is_applied UInt8, date Date DEFAULT now(), tstamp DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY date"
	const recordings = "CREATE TABLE recordings (integration String, recording_id String, call_id UInt64) ENGINE = MergeTree ORDER BY recording_id"
	for name, statements := range map[string][]string{
		"whole":             {events, recordings, goose, "INSERT INTO goose_db_version (version_id, is_applied) SELECT number, 1 FROM numbers(37)"},
		"the first alone":   {events},
		"noted as number 1": {events, goose, "INSERT INTO goose_db_version (version_id, is_applied) SELECT number, 1 FROM numbers(2)"},
		"without events":    {recordings, goose},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			first := o
			first.Database = "default"
			ask(t, connect(t, first), "CREATE DATABASE "+o.Database)
			db := connect(t, o)
			for _, statement := range statements {
				ask(t, db, statement)
			}
			before := shape(t, o)
			for _, err := range []error{db.Migrate(t.Context(), nil), second(db.SchemaVersion(t.Context()))} {
				if !errors.Is(err, warehouse.ErrOlderLayout) || errors.Is(err, warehouse.ErrNewer) {
					t.Errorf("got %v", err)
				}
			}
			if diff := cmp.Diff(before, shape(t, o)); diff != "" {
				t.Errorf("-before +after:\n%s", diff)
			}
		})
	}
}

func second(_ int64, err error) error { return err }

func TestEveryTableSyncsItsInserts(t *testing.T) {
	t.Parallel()
	db := open(t)
	lacking := ask(t, db, `SELECT name FROM system.tables
		WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'goose_db_version'
		AND NOT (engine_full LIKE '%fsync_after_insert = 1%' AND engine_full LIKE '%fsync_part_directory = 1%')`)
	if lacking != "" {
		t.Errorf("do not: %s", lacking)
	}
	if keyless := ask(t, db, `SELECT name FROM system.tables
		WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name NOT IN ('goose_db_version', 'progress', 'addresses', 'calendar', 'rollup_days', 'schema_views', 'exports', 'custody_secret')
		AND sorting_key NOT LIKE '%integration%'`); keyless != "" {
		t.Errorf("no integration in the key of: %s", keyless)
	}
}

// What was archived before formats were told apart is mp3, which its key says, and what
// is written while the migration changes the view between the tables is in both.
func TestRowsOfBeforeFormatsWereToldApart(t *testing.T) {
	t.Parallel()
	o := options(t)
	older := connect(t, o)
	s, err := schema.Current()
	must(t, err)
	s.Migrations = fstest.MapFS{"README.md": {}}
	s.Views = schema.Views{}
	older.Make(s)
	must(t, older.Migrate(t.Context(), nil))
	must(t, older.Exec(t.Context(), `INSERT INTO recordings (integration, recording_id, state, key, reason, version) VALUES
		('main', 'a', 'archived', 'recordings/main/a.mp3', '', 9), ('main', 'q', 'quarantined', 'quarantine/main/q/x.mp3', 'was kept', 9), ('main', 'w', 'announced', '', '', 1)`))
	must(t, older.Exec(t.Context(), "DROP VIEW recordings_opened SYNC")) // as a migration that was broken off leaves it
	must(t, older.Exec(t.Context(), "INSERT INTO recordings (integration, recording_id, state, reason, version) VALUES ('main', 'between', 'retrying', 'was written between', 2)"))
	db := connect(t, o)
	must(t, db.Migrate(t.Context(), nil))
	must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{
		{Recording: call.Recording{Integration: "main", ID: "wav"}, State: call.Archived, Key: "recordings/main/wav.wav", Format: "wav"},
		{Recording: call.Recording{Integration: "main", ID: "ogg"}, State: call.Quarantined, Key: "quarantine/main/ogg/x.ogg", Format: "ogg", Failure: call.Failure{Code: call.CodeDamaged, Format: "ogg"}},
	}))
	if got := ask(t, db, "SELECT recording_id, format, failed_format FROM recordings FINAL ORDER BY recording_id FORMAT TSVRaw"); got != "a\tmp3\t\nbetween\t\t\nogg\togg\togg\nq\tmp3\t\nw\t\t\nwav\twav" {
		t.Errorf("recordings:\n%s", got)
	}
	if got := ask(t, db, "SELECT recording_id, format, failed_format FROM recordings_open FINAL ORDER BY recording_id FORMAT TSVRaw"); got != "between\t\t\nogg\togg\togg\nq\tmp3\t\nw" {
		t.Errorf("recordings_open:\n%s", got)
	}
}
