package directories_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"fonoteka/internal/directory"
	"fonoteka/internal/warehouse/warehousetest"
)

const seat1, seat2, phone1, line1 = warehousetest.Seat1, warehousetest.Seat2, warehousetest.Phone1, warehousetest.Line1

func TestDictionariesNameTheMomentOfTheCall(t *testing.T) {
	t.Parallel()
	db := open(t)
	warehousetest.FillDirectory(t, db)
	for _, c := range []struct{ account, when, want string }{
		{seat1, "2019-01-01 00:00:00", "Ivanov,"}, // before anything was known
		{seat1, "2026-03-04 23:59:59", "Ivanov,"}, // a department has its first day
		{seat1, "2026-03-10 11:59:59", "Ivanov, Sales"},
		{seat1, "2026-03-10 12:00:00", "Petrov, Sales"},
		{seat1, "2090-01-01 00:00:00", "Petrov, Sales"},
		{phone1, "2026-03-10 13:00:00", "Petrov, Sales"},
		{phone1, "2026-03-12 00:00:00", "Anna, Support"},
		{seat2, "2026-04-01 00:00:00", "Anna, Support"}, // listed no more
		{"883140000000099", "2026-03-10 12:00:00", ", "},
	} {
		got := ask(t, db, `SELECT concat(who.1, ', ', who.2) FROM (SELECT dictGet('directory_account', ('employee', 'department'),
			(toLowCardinality('main'), toLowCardinality('`+c.account+`')), toDateTime64('`+c.when+`', 3, 'UTC')) AS who)`)
		if got != strings.TrimSpace(c.want) {
			t.Errorf("%s at %s: %q, want %q", c.account, c.when, got, c.want)
		}
	}
	if got := ask(t, db, `SELECT dictGet('directory_number', ('name', 'type'), ('main', '`+line1+`'), toDateTime64('2026-03-15 00:00:00', 3, 'UTC')),
		dictGet('directory_account', 'name', ('other', '`+seat1+`'), now64(3)) = ''`); got != "('Advertisement','multichannel')\t1" {
		t.Errorf("the number: %s", got)
	}
}

// The spans of one account or number never overlap and leave no gap.
func TestTimelinesAreWhole(t *testing.T) {
	t.Parallel()
	db := open(t)
	warehousetest.FillDirectory(t, db)
	for view, id := range map[string]string{"directory_account_history": "account", "directory_number_history": "number"} {
		bad := ask(t, db, `SELECT `+id+`, valid_from, valid_until, before FROM
			(SELECT *, lagInFrame(valid_until, 1, valid_from - INTERVAL 1 MILLISECOND) OVER (PARTITION BY integration, `+id+` ORDER BY valid_from ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
			FROM `+view+`) WHERE before + INTERVAL 1 MILLISECOND != valid_from`)
		if ends := ask(t, db, `SELECT DISTINCT min(toYear(valid_from)), max(toYear(valid_until)) FROM `+view+` GROUP BY integration, `+id); bad != "" || ends != "1970\t2200" {
			t.Errorf("%s: gaps %q, ends %q", view, bad, ends)
		}
	}
}

func TestDirectoryReadsWhatHeldAtATime(t *testing.T) {
	t.Parallel()
	db := open(t)
	warehousetest.FillDirectory(t, db)
	words := func(when string) map[string]string {
		rows, err := db.Directory(t.Context(), "main", at(when))
		must(t, err)
		out := map[string]string{}
		for _, r := range rows {
			out[string(r.Kind)+" "+r.ID] = strings.Join(strings.Fields(r.Word+" "+r.Department+map[bool]string{true: " gone"}[r.Gone]), " ")
		}
		return out
	}
	if diff := cmp.Diff(map[string]string{
		"workplace " + seat1: "Ivanov", "workplace " + seat2: "Smirnova", "terminal " + phone1: seat1, "number " + line1: "multichannel",
		"staff " + seat1: "Sales", "staff " + seat2: "Anna Support",
	}, words("2026-03-08 00:00:00")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{
		"workplace " + seat1: "Petrov", "workplace " + seat2: "Smirnova gone", "terminal " + phone1: seat2, "number " + line1: "multichannel",
		"staff " + seat1: "Sales", "staff " + seat2: "Anna Support", "label " + line1: "Advertisement",
	}, words("2026-03-21 00:00:00")); diff != "" {
		t.Error(diff)
	}
	seatOf, err := db.SeatOf(t.Context())
	must(t, err)
	for when, want := range map[string]string{"2019-01-01 00:00:00": seat1, "2026-03-11 23:59:59": seat1, "2026-03-12 00:00:00": seat2} {
		if got := seatOf("main", phone1, at(when)); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	if got := seatOf("main", "883140000000099", time.Now()); got != "883140000000099" {
		t.Errorf("an unknown account: %s", got)
	}
	names, err := db.NumberNames(t.Context())
	must(t, err)
	want := []directory.NumberName{{Integration: "main", Number: line1, Type: "multichannel"}, {Integration: "main", Number: line1, Type: "multichannel", Name: "Advertisement"}}
	if diff := cmp.Diff(want, names, cmpopts.IgnoreFields(directory.NumberName{}, "From", "Until")); diff != "" {
		t.Error(diff)
	}
}

// A row that is written again under its time takes the place of the first.
func TestADirectoryRowIsCorrected(t *testing.T) {
	t.Parallel()
	db := open(t)
	r := directory.Row{Kind: directory.Workplace, Integration: "main", ID: seat1, ValidFrom: at("2026-03-01 00:00:00"), Word: "Ivanof"}
	must(t, db.InsertDirectory(t.Context(), []directory.Row{r}))
	r.Word = "Ivanov"
	must(t, db.InsertDirectory(t.Context(), []directory.Row{r}))
	if got := ask(t, db, "SELECT dictGet('directory_account', 'name', ('main', '"+seat1+"'), now64(3))"); got != "Ivanov" {
		t.Error(got)
	}
}

// Whoever may read the tables sees how the dictionaries are made, but not with
// which password; after a change of the password they are made anew.
func TestDictionariesShowNoPassword(t *testing.T) {
	t.Parallel()
	o := options(t)
	db := migrated(t, o)
	must(t, db.Migrate(t.Context(), nil))
	var shown bytes.Buffer
	for _, sql := range []string{
		"SHOW CREATE DICTIONARY directory_account",
		"SELECT create_table_query, engine_full FROM system.tables WHERE database = currentDatabase() SETTINGS format_display_secrets_in_show_and_select = 1",
		"SELECT * FROM system.dictionaries WHERE database = currentDatabase()",
	} {
		must(t, db.QueryFormat(t.Context(), &shown, sql, "TSV"))
	}
	if !strings.Contains(shown.String(), "[HIDDEN]") || strings.Contains(shown.String(), o.Password) {
		t.Error(shown.String())
	}
	o.Password += "'); DROP"
	err := connect(t, o).Migrate(t.Context(), nil)
	if err == nil || strings.Contains(err.Error(), "DROP") {
		t.Errorf("with a wrong password: %v", err)
	}
}
