package custody_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/audit"
	"fonoteka/internal/call"
	"fonoteka/internal/custody"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/warehousetest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// store is a migrated database of the test's own.
type store struct {
	*warehousetest.DB
	url string // of its writer's HTTP interface
}

func openStore(t *testing.T) store {
	t.Helper()
	o := warehousetest.Options(t)
	return store{warehousetest.Migrated(t, o), "http://" + o.HTTPAddr + "/?" + url.Values{"user": {o.User}, "password": {o.Password}, "database": {o.Database}}.Encode()}
}

// try runs SQL as the writer.
func (s store) try(t *testing.T, sql string) error {
	t.Helper()
	resp, err := http.Post(s.url, "text/plain", strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(string(said))
	}
	return err
}

func exec(t *testing.T, db store, sql string) {
	t.Helper()
	if err := db.try(t, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// memory is what the installation remembers.
type memory struct{ m audit.Remembered }

func (m *memory) Recall() (audit.Remembered, error) { return m.m, nil }

func (m *memory) Remember(_ context.Context, change func(*audit.Remembered)) error {
	change(&m.m)
	return nil
}

// archive is a table with an audit beside it, under a clock that is set by hand.
type archive struct {
	t     *testing.T
	rows  custody.Rows
	dir   string
	m     *memory
	now   time.Time
	seals []custody.Seal
}

func newArchive(t *testing.T, rows custody.Rows, now string) *archive {
	t.Helper()
	a := &archive{t: t, rows: rows, dir: filepath.Join(t.TempDir(), "audit"), m: &memory{}}
	a.clock(now)
	return a
}

func (a *archive) clock(s string) {
	a.t.Helper()
	var err error
	if a.now, err = time.Parse("2006-01-02 15:04", s); err != nil {
		a.t.Fatal(err)
	}
}

// pass seals what is due, as a serve that has just started does, and returns what
// is sealed by now, as day:rows.
func (a *archive) pass() string {
	a.t.Helper()
	now := func() time.Time { return a.now }
	trail, err := audit.Open(audit.Options{Dir: a.dir, Memory: a.m, Now: now})
	if err != nil {
		a.t.Fatal(err)
	}
	s, err := custody.NewSealer(custody.Options{Rows: a.rows, Trail: trail, Memory: a.m, Now: now})
	if err != nil {
		a.t.Fatal(err)
	}
	for range 2 { // the second finds nothing to do
		if err := s.Pass(a.t.Context()); err != nil {
			a.t.Fatal(err)
		}
	}
	a.seals = nil
	var said []string
	err = trail.Each(func(r audit.Row) error {
		seal, ok := custody.SealOf(r)
		if !ok {
			return fmt.Errorf("no seal: %+v", r)
		}
		a.seals = append(a.seals, seal)
		said = append(said, fmt.Sprint(strings.TrimPrefix(seal.Day, "2026-"), ":", seal.Rows))
		return nil
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return strings.Join(said, " ")
}

// verify says what is not as it was sealed, as day:result.
func (a *archive) verify() string {
	a.t.Helper()
	days, err := custody.Verify(a.t.Context(), a.rows, a.seals, time.Time{}, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), a.now)
	if err != nil {
		a.t.Fatal(err)
	}
	var said []string
	for _, d := range days {
		if d.Result != custody.Same {
			said = append(said, fmt.Sprint(strings.TrimPrefix(d.Day, "2026-"), ":", d.Result))
		}
	}
	return strings.Join(said, " ")
}

// steps are three days of custody, and a day without any between them.
const steps = `INSERT INTO custody (integration, recording_id, at, step, attempt, sha256, detail, written_on) VALUES
	('main', 'a', '2026-03-02 10:00:00.123', 'fetched', 1, 'aa', '', '2026-03-02'),
	('main', 'a', '2026-03-02 10:00:01', 'stored', 1, 'aa', 'recordings/a.mp3', '2026-03-02'),
	('spb', 'b', '2026-03-02 10:00:01', 'stored', 1, 'bb', 'wörter\twith\n\\ ''odd'' \0\b\f\r letters', '2026-03-02'),
	('main', 'c', '2026-03-04 10:00:00', 'failed', 3, '', 'timeout', '2026-03-04'),
	('main', 'd', '2026-02-01 10:00:00', 'stored', 1, 'dd', 'written late', '2026-03-05')`

func TestWhatIsChangedInSQLIsFound(t *testing.T) {
	t.Parallel()
	db := openStore(t)
	exec(t, db, steps)
	exec(t, db, "CREATE TABLE kept AS custody")
	exec(t, db, "INSERT INTO kept SELECT * FROM custody")
	a := newArchive(t, db, "2026-03-06 02:00")
	if got := a.pass(); got != "03-02:3 03-04:1 03-05:1" {
		t.Fatalf("sealed %s", got)
	}
	insert := "INSERT INTO custody (integration, recording_id, at, step, attempt, sha256, detail, written_on) VALUES "
	for _, attack := range []struct{ name, sql, want string }{
		{"nothing", "SELECT 1", ""},
		{"the parts merged", "OPTIMIZE TABLE custody FINAL", ""},
		{"a step written again on its day", insert + "('main', 'c', '2026-03-04 10:00:00', 'failed', 3, '', 'timeout', '2026-03-04')", ""},
		{"a step of today", insert + "('main', 'c', '2026-03-04 10:00:00', 'failed', 3, '', 'timeout', '2026-03-06')", "03-06:waiting"},
		{"a step taken out", "ALTER TABLE custody DELETE WHERE recording_id = 'c' SETTINGS mutations_sync = 2", "03-04:differs"},
		{"a step taken out lightly", "DELETE FROM custody WHERE step = 'fetched'", "03-02:differs"},
		{"a day taken out", "DELETE FROM custody WHERE written_on = '2026-03-02'", "03-02:differs"},
		{"all taken out", "TRUNCATE TABLE custody", "03-02:differs 03-04:differs 03-05:differs"},
		{"a step added", insert + "('main', 'c', '2026-03-04 10:00:01', 'stored', 4, 'cc', '', '2026-03-04')", "03-04:differs"},
		{"a step of its own time added to another day", insert + "('main', 'a', '2026-03-02 10:00:01', 'stored', 1, 'aa', 'recordings/a.mp3', '2026-03-05')", "03-05:differs"},
		{"a step added to an empty day", insert + "('main', 'x', '2026-03-03 10:00:00', 'stored', 1, '', '', '2026-03-03')", "03-03:added"},
		{"a step added to a day before the first", insert + "('main', 'x', '2026-01-03 10:00:00', 'stored', 1, '', '', '2026-01-03')", "01-03:added"},
		{"a step added without a day", "INSERT INTO custody (integration, recording_id, at, step) VALUES ('main', 'x', '2026-03-02 10:00:00', 'stored')", "1970-01-01:added"},
		{"a step replaced, the number kept", insert + "('main', 'c', '2026-03-04 10:00:00', 'archived', 3, '', 'timeout', '2026-03-04'); DELETE FROM custody WHERE step = 'failed'", "03-04:differs"},
		{"a step moved to another day", insert + "('main', 'c', '2026-03-04 10:00:00', 'failed', 3, '', 'timeout', '2026-03-03'); DELETE FROM custody WHERE written_on = '2026-03-04'", "03-03:added 03-04:differs"},
		{"another table put in its place", "CREATE TABLE forged AS custody; INSERT INTO forged SELECT * REPLACE('ivan' AS recording_id) FROM custody WHERE recording_id = 'd'; INSERT INTO forged SELECT * FROM custody WHERE recording_id != 'd'; EXCHANGE TABLES custody AND forged", "03-05:differs"},
	} {
		for _, sql := range strings.Split(attack.sql, "; ") {
			exec(t, db, sql)
		}
		if got := a.verify(); got != attack.want {
			t.Errorf("%s: %q, want %q", attack.name, got, attack.want)
		}
		exec(t, db, "TRUNCATE TABLE custody")
		exec(t, db, "INSERT INTO custody SELECT * FROM kept")
	}
	// The engine refuses to change a key in place, and every field is in it.
	for _, column := range []string{"integration", "recording_id", "step", "sha256", "detail", "attempt", "at", "written_on"} {
		if err := db.try(t, fmt.Sprintf("ALTER TABLE custody UPDATE %s = %[1]s WHERE 1 SETTINGS mutations_sync = 2", column)); err == nil {
			t.Errorf("%s can be changed in place", column)
		}
	}
}

// forever are bounds that no day is beyond.
var longAgo, forever = time.Time{}, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// A seal of before there were chains is the digest of what ClickHouse itself prints. It
// stands beside those of the heads of chains, and both find what is changed.
func TestDaysThatWereSealedBeforeKeepTheirForm(t *testing.T) {
	t.Parallel()
	db := openStore(t)
	exec(t, db, steps)
	sums, err := custody.Sums(t.Context(), db, longAgo, forever)
	if err != nil {
		t.Fatal(err)
	}
	a := newArchive(t, db, "2026-03-06 02:00")
	a.pass()
	for i, seal := range a.seals {
		var out bytes.Buffer
		sql := fmt.Sprintf("SELECT integration, recording_id, at, step, attempt, sha256, detail FROM custody WHERE written_on = '%s' ORDER BY ALL", seal.Day)
		if err := db.QueryFormat(t.Context(), &out, sql, "TabSeparated"); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(out.Bytes())
		if got := hex.EncodeToString(sum[:]); got != sums[seal.Day].SHA256 || uint64(bytes.Count(out.Bytes(), []byte("\n"))) != sums[seal.Day].Rows {
			t.Errorf("%s: the query's digest is %s, that of its steps %s:\n%s", seal.Day, got, sums[seal.Day].SHA256, out.String())
		}
		if i < 2 { // sealed before
			before := custody.Seal{Day: seal.Day, Sum: sums[seal.Day], At: seal.At}
			a.seals[i] = before
		}
	}
	if got := a.verify(); got != "" {
		t.Errorf("found %q", got)
	}
	exec(t, db, "DELETE FROM custody WHERE recording_id IN ('c', 'd')")
	if got := a.verify(); got != "03-04:differs 03-05:differs" {
		t.Errorf("found %q", got)
	}
}

// A seal is of the chains that packages show.
func TestASealIsOfTheHeadsOfChains(t *testing.T) {
	t.Parallel()
	db := openStore(t)
	exec(t, db, steps)
	exec(t, db, "INSERT INTO custody (integration, recording_id, at, step, attempt, sha256, detail, written_on) VALUES ('main', 'a', '2026-03-01 10:00:00', 'checked', 1, 'aa', 'late', '2026-03-05')")
	a := newArchive(t, db, "2026-03-06 02:00")
	a.pass()
	secret, err := db.CustodySecret(t.Context())
	if err != nil || len(secret) != 32 {
		t.Fatal(secret, err)
	}
	var of []custody.Written
	err = db.StepsOf(t.Context(), []catalogue.Key{{Integration: "main", ID: "a"}, {Integration: "main", ID: "d"}}, func(on time.Time, c call.Custody) error {
		of = append(of, custody.Written{On: on, Custody: c})
		return nil
	})
	if err != nil || len(of) != 4 {
		t.Fatal(of, err)
	}
	chain := custody.Chain(secret, of[:3])
	if last := chain[2]; last.Step != "checked" || last.N != 3 { // written last, whenever it happened
		t.Errorf("%+v", chain)
	}
	other := custody.Chain(secret, of[3:])
	sum := sha256.Sum256(fmt.Appendf(nil, "main\ta\t3\t%s\nmain\td\t1\t%s\n", chain[2].Hash, other[0].Hash))
	i := slices.IndexFunc(a.seals, func(s custody.Seal) bool { return s.Day == "2026-03-05" })
	if got := a.seals[i]; !got.Heads || got.Rows != 2 || got.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("sealed %+v, the heads are %x", got, sum)
	}
	if again := custody.Chain(secret, of[:3]); cmp.Diff(chain, again) != "" || chain[2].Salt == "" || chain[2].Salt == other[0].Salt {
		t.Error("a chain is another one when it is made again, or two details have one salt")
	}
}

// inMemory is a table of steps.
type inMemory struct {
	rows []row
	down error
}

type row struct {
	day time.Time
	c   call.Custody
}

func (m *inMemory) add(day, id string) {
	d, _ := time.Parse(time.DateOnly, day)
	m.rows = append(m.rows, row{d, call.Custody{RecordingID: id}})
	slices.SortFunc(m.rows, func(a, b row) int { return strings.Compare(a.c.RecordingID, b.c.RecordingID) })
}

func (m *inMemory) EachCustody(_ context.Context, from, to time.Time, each func(time.Time, call.Custody) error) error {
	for _, r := range m.rows {
		if r.day.Before(from) || r.day.After(to) {
			continue
		}
		if err := each(r.day, r.c); err != nil {
			return err
		}
	}
	return m.down
}

func (m *inMemory) EachChained(ctx context.Context, from, to time.Time, each func(time.Time, call.Custody) error) error {
	grown := map[string]bool{}
	_ = m.EachCustody(ctx, from, to, func(_ time.Time, c call.Custody) error {
		grown[c.RecordingID] = true
		return nil
	})
	return m.EachCustody(ctx, time.Time{}, to, func(on time.Time, c call.Custody) error {
		if !grown[c.RecordingID] {
			return nil
		}
		return each(on, c)
	})
}

func (m *inMemory) CustodySecret(context.Context) (string, error) { return "secret", m.down }

func (m *inMemory) CustodyDays(_ context.Context, before time.Time) (days []time.Time, _ error) {
	for _, r := range m.rows {
		if r.day.Before(before) {
			days = append(days, r.day)
		}
	}
	slices.SortFunc(days, time.Time.Compare)
	return slices.Compact(days), m.down
}

func TestDaysAreSealedOnceInOrderWhenTheyAreOver(t *testing.T) {
	t.Parallel()
	rows := &inMemory{}
	a := newArchive(t, rows, "2026-03-02 12:00")
	said := func(want string) {
		t.Helper()
		if got := a.pass(); got != want {
			t.Errorf("at %s: sealed %q, want %q", a.now, got, want)
		}
		if got := a.verify(); strings.Contains(got, "differs") || strings.Contains(got, "added") {
			t.Errorf("at %s: %s", a.now, got)
		}
	}
	said("") // an installation without a step has nothing to seal
	rows.add("2026-03-02", "a")
	said("") // the day goes on
	a.clock("2026-03-03 00:59")
	said("") // an insert may be on its way
	a.clock("2026-03-03 01:00")
	said("03-02:1")
	a.clock("2026-03-07 01:00") // nothing was written, or everything was down
	said("03-02:1 03-03:0 03-04:0 03-05:0 03-06:0")
	rows.add("2026-03-07", "b")
	a.clock("2026-03-04 12:00") // the clock went back
	said("03-02:1 03-03:0 03-04:0 03-05:0 03-06:0")
	a.clock("2026-03-08 12:00")
	said("03-02:1 03-03:0 03-04:0 03-05:0 03-06:0 03-07:1")
}

func TestStepsFromBeforeDaysWereNotedAreSealedAtOnce(t *testing.T) {
	t.Parallel()
	rows := &inMemory{}
	rows.add("1970-01-01", "old")
	a := newArchive(t, rows, "2026-03-02 12:00")
	if got := a.pass(); got != "1970-01-01:1" {
		t.Errorf("sealed %q", got)
	}
	a.clock("2026-03-05 12:00")
	if got := a.pass(); got != "1970-01-01:1" { // not every day since 1970
		t.Errorf("sealed %q", got)
	}
	rows.add("2026-03-05", "new")
	a.clock("2026-03-07 12:00")
	if got := a.pass(); got != "1970-01-01:1 03-05:1 03-06:0" {
		t.Errorf("sealed %q", got)
	}
	rows.add("1970-01-01", "older")
	if got := a.verify(); got != "1970-01-01:differs" {
		t.Errorf("found %q", got)
	}
}

// What was sealed is known without the audit's file, so that a step which was added
// to a sealed day is not sealed anew with it.
func TestALostFileSealsNothingAgain(t *testing.T) {
	t.Parallel()
	rows := &inMemory{}
	rows.add("2026-03-02", "a")
	a := newArchive(t, rows, "2026-03-03 12:00")
	a.pass()
	sealed := a.seals
	a.dir = filepath.Join(t.TempDir(), "audit")
	rows.add("2026-03-02", "forged")
	a.clock("2026-03-04 12:00")
	if got := a.pass(); got != "03-03:0" {
		t.Errorf("sealed %q", got)
	}
	a.seals = append(sealed, a.seals...) // the table has the lost ones
	if got := a.verify(); got != "03-02:differs" {
		t.Errorf("found %q", got)
	}
}

func TestDaysThatAreNotSealedWaitAndThenAreMissed(t *testing.T) {
	t.Parallel()
	rows := &inMemory{}
	rows.add("2026-03-02", "a")
	a := newArchive(t, rows, "2026-03-09 12:00")
	if got := a.verify(); got != "03-02:waiting" { // no day is sealed: nothing can be said
		t.Errorf("found %q", got)
	}
	a.clock("2026-03-03 12:00")
	a.pass()
	rows.add("2026-03-03", "b")
	for now, want := range map[string]string{"2026-03-03 13:00": "03-03:waiting", "2026-03-05 23:00": "03-03:waiting", "2026-03-06 01:00": "03-03:unsealed"} {
		a.clock(now)
		if got := a.verify(); got != want {
			t.Errorf("at %s: found %q, want %q", now, got, want)
		}
	}
}

func TestATableThatIsAwaySealsNothing(t *testing.T) {
	t.Parallel()
	rows := &inMemory{down: errors.New("away")}
	rows.add("2026-03-02", "a")
	a := newArchive(t, rows, "2026-03-03 12:00")
	trail, err := audit.Open(audit.Options{Dir: a.dir})
	if err != nil {
		t.Fatal(err)
	}
	s, err := custody.NewSealer(custody.Options{Rows: rows, Trail: trail, Now: func() time.Time { return a.now }})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Pass(t.Context()); err == nil {
			t.Error("sealed what could not be read")
		}
	}
	rows.down = nil
	if got := a.pass(); got != "03-02:1" {
		t.Errorf("sealed %q", got)
	}
}

func TestOnlySealsAreTakenForSeals(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("0", 64)
	good := audit.Row{Entry: audit.Entry{Action: custody.Action, Target: "2026-03-02", Detail: "12 rows, sha256 " + sum}}
	seal, ok := custody.SealOf(good)
	if diff := cmp.Diff(custody.Seal{Day: "2026-03-02", Sum: custody.Sum{Rows: 12, SHA256: sum}}, seal); !ok || diff != "" {
		t.Errorf("%v %s", ok, diff)
	}
	for _, change := range []func(*audit.Row){
		func(r *audit.Row) { r.Action = "call.make" },
		func(r *audit.Row) { r.Target = "2026-3-2" },
		func(r *audit.Row) { r.Detail = "12 rows" },
		func(r *audit.Row) { r.Detail += " " },
		func(r *audit.Row) { r.Detail = "99999999999999999999 rows, sha256 " + sum },
	} {
		r := good
		change(&r)
		if _, ok := custody.SealOf(r); ok {
			t.Errorf("taken for a seal: %+v", r)
		}
	}
}
