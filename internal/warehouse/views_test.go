package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/warehousetest"
	"fonoteka/schema"
)

// older is this program's schema, and newer that of one with the same tables:
// it changes report_volume, adds report_new and a dictionary's comment, and has
// report_heatmap no longer.
func versions(t *testing.T) (older, newer schema.Set) {
	t.Helper()
	older, err := schema.Current()
	must(t, err)
	newer = older
	newer.Views.Revision++
	newer.Views.Definitions = nil
	for _, d := range older.Views.Definitions {
		switch d.Name {
		case "report_heatmap":
			continue
		case "report_volume":
			d.Statement = strings.Replace(d.Statement, "SELECT started_at,", "SELECT 'newer' AS marked, started_at,", 1)
		case "directory_number":
			d.Statement = strings.Replace(d.Statement, "COMMENT '", "COMMENT 'newer: ", 1)
		}
		newer.Views.Definitions = append(newer.Views.Definitions, d)
	}
	newer.Views.Definitions = append(newer.Views.Definitions, schema.Definition{
		Name: "report_new", Statement: "CREATE OR REPLACE VIEW report_new AS SELECT marked FROM report_volume",
	})
	return older, newer
}

// program is one on a database.
func program(t *testing.T, o warehouse.Options, s schema.Set) *warehousetest.DB {
	t.Helper()
	db := connect(t, o)
	db.Make(s)
	return db
}

func started(t *testing.T, db *warehousetest.DB) {
	t.Helper()
	must(t, db.Migrate(t.Context(), nil))
}

// made is the shape of a database that only this schema's program has seen.
func made(t *testing.T, s schema.Set) string {
	t.Helper()
	o := options(t)
	started(t, program(t, o, s))
	return shape(t, o)
}

func same(t *testing.T, when, want string, o warehouse.Options) {
	t.Helper()
	if diff := cmp.Diff(want, shape(t, o)); diff != "" {
		t.Errorf("%s: -want +got\n%s", when, diff)
	}
}

// writing inserts until stopped, and then compares what is there with what was
// acknowledged.
func writing(t *testing.T, db *warehousetest.DB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var g sync.WaitGroup
	n := 0
	g.Go(func() {
		for ctx.Err() == nil {
			e := event(uint64(n+1), at("2026-11-20 10:00:00"), "{}")
			e.GroupID = uint64(n + 1)
			r := call.Recording{Integration: "main", ID: fmt.Sprint(n)}
			if err := db.InsertEvents(t.Context(), []call.Notification{e}); err != nil {
				t.Error(err)
				return
			}
			if err := db.AnnounceRecordings(t.Context(), []call.Recording{r}); err != nil {
				t.Error(err)
				return
			}
			n++
		}
	})
	return func() {
		cancel()
		g.Wait()
		want := fmt.Sprintf("%d\t%[1]d\t%[1]d\t%[1]d", n)
		got := ask(t, db, `SELECT (SELECT count() FROM events FINAL), (SELECT uniqExact(group_id) FROM touched),
			(SELECT count() FROM recordings FINAL), (SELECT count() FROM recordings_open FINAL)`)
		if n == 0 || got != want {
			t.Errorf("of %d inserts there are %s", n, got)
		}
	}
}

func TestTwoVersionsTakeTurnsAndTheNewerViewsStay(t *testing.T) {
	t.Parallel()
	older, newer := versions(t)
	for name, refused := range map[string]bool{"by the revision": false, "by a migration": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newer := newer
			if refused {
				newer.Views.Revision = 0 // it comes from another branch
				newer.Migrations = withMigrations(t, map[string]string{"90000_x.sql": "ALTER TABLE parking ADD COLUMN IF NOT EXISTS x String;"}).Migrations
			}
			o := options(t)
			old, young := program(t, o, older), program(t, o, newer)
			started(t, old)
			stop := writing(t, old)
			same(t, "the older one alone", made(t, older), o)
			want := made(t, newer)
			for range 3 {
				started(t, young)
				same(t, "the newer one started", want, o)
				notes := ask(t, old, "SELECT count() FROM schema_views")
				if err := old.Migrate(t.Context(), nil); err != nil != refused || refused && !errors.Is(err, warehouse.ErrNewer) {
					t.Fatal(err)
				}
				same(t, "the older one started", want, o)
				if got := ask(t, old, "SELECT count() FROM schema_views"); got != notes {
					t.Errorf("%s notes, there were %s", got, notes)
				}
			}
			stop()
		})
	}
}

// The newer one takes a change back: its views are those of the oldest.
func TestViewsThatWereThereBeforeComeBack(t *testing.T) {
	t.Parallel()
	older, newer := versions(t)
	back := older
	back.Views.Revision = newer.Views.Revision + 1
	o := options(t)
	for _, s := range []schema.Set{older, newer, back, newer, older} {
		started(t, program(t, o, s))
	}
	same(t, "in the end", made(t, back), o)
}

func TestTwoBuildsOfOneRevisionDoNotTakeTurns(t *testing.T) {
	t.Parallel()
	one, other := versions(t)
	other.Views.Revision = one.Views.Revision
	o := options(t)
	for _, s := range []schema.Set{one, other, one, other} {
		started(t, program(t, o, s))
	}
	same(t, "in the end", made(t, one), o)
}

func TestOnlyOwnViewsAreDropped(t *testing.T) {
	t.Parallel()
	older, newer := versions(t)
	newest := newer
	newest.Views.Revision++
	o := options(t)
	db := program(t, o, older)
	started(t, db)
	ask(t, db, "CREATE VIEW report_of_a_user AS SELECT 1 AS x")
	started(t, program(t, o, newer))
	ask(t, db, "CREATE VIEW report_heatmap AS SELECT 'a user''s own' AS x") // under a name that is free now
	started(t, program(t, o, newest))
	started(t, program(t, o, older))
	if got := ask(t, db, "SELECT * FROM report_of_a_user, report_heatmap"); got != `1	a user\'s own` {
		t.Errorf("got %s", got)
	}
}

func TestADictionaryThatIsGoneIsDropped(t *testing.T) {
	t.Parallel()
	older, newer := versions(t)
	newer.Views.Definitions = slices.DeleteFunc(newer.Views.Definitions, func(d schema.Definition) bool {
		return strings.HasPrefix(d.Name, "directory_number") // the dictionary and the view that it reads
	})
	o := options(t)
	started(t, program(t, o, older))
	started(t, program(t, o, newer))
	same(t, "in the end", made(t, newer), o)
}

func TestADroppedViewIsMadeAgain(t *testing.T) {
	t.Parallel()
	o := options(t)
	db := migrated(t, o)
	want := shape(t, o)
	ask(t, db, "DROP VIEW report_calls")
	ask(t, db, "DROP DICTIONARY directory_number")
	started(t, db)
	same(t, "in the end", want, o)
}

// A program that began when the other one was at it: whoever is through last, the
// newer views are there.
func TestViewsThatTwoVersionsMakeAtOnceAreTheNewerOnes(t *testing.T) {
	t.Parallel()
	older, newer := versions(t)
	want := made(t, newer)
	makes := func(name string) func(string) bool {
		return func(s string) bool { return strings.Contains(s, "CREATE OR REPLACE VIEW "+name) }
	}
	for name, between := range map[string]struct {
		waits, passes schema.Set
		at            string
	}{
		"the newer one passes the older":                   {older, newer, "report_volume"},
		"the older one passes the newer":                   {newer, older, "report_volume"},
		"the newer one passes, and the older has one left": {older, newer, "report_silence"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			waits, passes := program(t, o, between.waits), program(t, o, between.passes)
			meanwhile(t, waits, makes(between.at), func() { started(t, passes) })
			started(t, waits)
			// One statement of the older one may have come after all of the newer
			// one's: then the next start of the newer one mends it.
			started(t, program(t, o, newer))
			same(t, "in the end", want, o)
			started(t, program(t, o, older))
			same(t, "the older one started again", want, o)
		})
	}
}

// A process that was killed at a statement of its first start, at 20 and more places,
// before it took effect and after: the next start ends right.
func TestAMigrationThatIsKilledAnywhereEndsRight(t *testing.T) {
	t.Parallel()
	o := options(t)
	db := connect(t, o)
	s, err := schema.Current()
	must(t, err)
	want := made(t, s)
	kills, tables := 0, false
	for n := 1; ; n += 3 {
		seen := killAt(db, n, n%2 == 0)
		err := db.Migrate(t.Context(), nil)
		if err == nil && seen() < n {
			break
		}
		if err == nil || !strings.Contains(err.Error(), errKilled.Error()) {
			t.Fatalf("killed at statement %d: %v", n, err)
		}
		kills++
		if v, err := db.SchemaVersion(t.Context()); err == nil && v == 1 && !tables {
			tables, n = true, 1 // the next one has views alone to make
		}
	}
	same(t, "in the end", want, o)
	if kills < 20 {
		t.Errorf("killed %d times only", kills)
	}
	t.Logf("killed %d times", kills)
}

// So do new views: those of before may be there in part only until the next start.
func TestNewViewsThatAreKilledHalfWayAreMadeByTheNextStart(t *testing.T) {
	t.Parallel()
	older, newer := versions(t)
	wantOlder, wantNewer := made(t, older), made(t, newer)
	o := options(t)
	young := program(t, o, newer)
	started(t, program(t, o, older))
	for _, n := range []int{5, 20, 40} {
		killAt(young, n, n == 20)
		if err := young.Migrate(t.Context(), nil); err == nil {
			t.Fatalf("there are not %d statements", n)
		}
		started(t, program(t, o, older))
		same(t, fmt.Sprintf("the older one started after statement %d", n), wantOlder, o)
	}
	killAt(young, 30, false)
	if err := young.Migrate(t.Context(), nil); err == nil {
		t.Fatal("was not killed")
	}
	started(t, program(t, o, newer))
	same(t, "the newer one started", wantNewer, o)
}
