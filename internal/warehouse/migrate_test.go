package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
	"fonoteka/schema"
)

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

// A crash may come after each migration, before its version was noted.
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

// catalogue are the tables that hold it, and the views between them.
var catalogue = []string{"recordings", "custody", "recordings_open", "recordings_opened", "recordings_settled"}

func TestTheCatalogueIsMadeAgainAsItWas(t *testing.T) {
	t.Parallel()
	for name, dropped := range map[string][]string{
		"nothing": nil, "all": catalogue, "recordings": {"recordings"}, "recordings_open": {"recordings_open"}, "views": catalogue[3:],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			migrated(t, o)
			db := connect(t, o)
			must(t, db.Describe(t.Context()))
			before := shape(t, o)
			must(t, db.SaveRecordings(t.Context(), []call.RecordingStatus{
				{Recording: call.Recording{Integration: "main", ID: "early"}, State: call.Retrying, Attempt: 1, Reason: "not yet"},
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
			want := "early:not yet\nlate:"
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

// MakeCatalogue applies the migrations again that name one of its tables in a
// statement that makes or changes it.
func TestNoOtherMigrationChangesTheCatalogue(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(schema.FS(), "*.sql")
	must(t, err)
	changes := regexp.MustCompile(`(?m)^(?:CREATE|ALTER|DROP|RENAME|EXCHANGE)[A-Z ]* (?:` + strings.Join(catalogue, "|") + `)\b`)
	var got []string
	for _, name := range files {
		text, err := fs.ReadFile(schema.FS(), name)
		must(t, err)
		if changes.Match(text) {
			got = append(got, name)
		}
	}
	if diff := cmp.Diff([]string{"00003_recordings.sql", "00018_recordings_open.sql", "00045_custody_written_on.sql"}, got); diff != "" {
		t.Error(diff)
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

func TestMigrateRefusesANewerDatabase(t *testing.T) {
	t.Parallel()
	db := open(t)
	ask(t, db, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
	if err := db.Migrate(t.Context(), nil); !errors.Is(err, warehouse.ErrNewer) {
		t.Fatalf("got %v", err)
	}
}

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
		WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name NOT IN ('goose_db_version', 'progress', 'addresses', 'calendar', 'rollup_days')
		AND sorting_key NOT LIKE '%integration%'`); keyless != "" {
		t.Errorf("no integration in the key of: %s", keyless)
	}
}
