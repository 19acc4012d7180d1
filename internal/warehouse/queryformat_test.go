package warehouse_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
)

func TestQueryAnswersInTheServersFormats(t *testing.T) {
	t.Parallel()
	db := open(t)
	for format, want := range map[string]string{
		"TabSeparated": "1\ta\n", "CSV": "1,\"a\"\n", "JSONEachRow": "{\"n\":1,\"s\":\"a\"}\n", "Parquet": "PAR1", "Pretty": "─",
	} {
		var b bytes.Buffer
		must(t, db.QueryFormat(t.Context(), &b, "SELECT 1 AS n, 'a' AS s ; \n", format))
		if got := b.String(); got != want && !(len(want) == 4 && strings.HasPrefix(got, want)) && !(want == "─" && strings.Contains(got, want)) {
			t.Errorf("%s: %q", format, got)
		}
	}
	var b bytes.Buffer
	must(t, db.QueryFormat(t.Context(), &b, "SELECT 1 AS n FORMAT JSONEachRow", "CSV"))
	if b.String() != "{\"n\":1}\n" {
		t.Errorf("its own FORMAT does not win: %q", b.String())
	}
}

func TestQueryFailsInTheServersWords(t *testing.T) {
	t.Parallel()
	db := open(t)
	for sql, words := range map[string]string{
		"SELEC 1":               "Syntax error",
		"SELECT * FROM no_such": "no_such",
		// The answer has begun when this fails.
		"SELECT throwIf(number = 3000000, 'too far') FROM numbers(4000000) SETTINGS max_block_size = 1000": "too far",
	} {
		for _, format := range []string{"TabSeparated", "JSON"} {
			var b bytes.Buffer
			err := db.QueryFormat(t.Context(), &b, sql, format)
			if err == nil || !strings.Contains(warehouse.ServerWords(err), words) {
				t.Errorf("%s: %s: error %v after %d bytes", sql, format, err, b.Len())
			}
			if strings.Contains(sql, "throwIf") && b.Len() == 0 {
				t.Errorf("%s: the answer had not begun", format)
			}
		}
	}
	o := options(t)
	o.HTTPAddr = ""
	if err := connect(t, o).QueryFormat(t.Context(), &bytes.Buffer{}, "SELECT 1", "CSV"); !errors.Is(err, warehouse.ErrNoHTTP) {
		t.Errorf("without an HTTP address: %v", err)
	}
}

// A URL names a user who may do everything.
func TestQueryChangesNothingWhoeverAsks(t *testing.T) {
	t.Parallel()
	db := open(t)
	must(t, db.SetProgress(t.Context(), "kept", "here"))
	for _, sql := range []string{
		"TRUNCATE TABLE progress", "DROP TABLE progress", "INSERT INTO progress (name, position) VALUES ('kept', 'gone')",
		"ALTER TABLE progress DELETE WHERE 1", "SET readonly = 0", "CREATE TABLE other (a UInt8) ENGINE = Memory",
		"SELECT 1 SETTINGS readonly = 0",
	} {
		if err := db.QueryFormat(t.Context(), &bytes.Buffer{}, sql, "CSV"); err == nil {
			t.Errorf("%s was done", sql)
		}
	}
	if got, err := db.Progress(t.Context(), "kept"); err != nil || got != "here" {
		t.Errorf("progress: %q, %v", got, err)
	}
}

// The reader is the user of analysts, Grafana and "fonoteka sql".
func TestReaderSeesEachEventOnceAndChangesNothing(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Database = warehouse.DefaultDatabase // the only one that it may see
	db := migrated(t, o)
	for range 3 {
		must(t, db.InsertEvents(t.Context(), []call.Notification{event(1, at("2026-11-20 10:00:00"), "{}")}))
	}
	must(t, db.WriteCalls(t.Context(), []cdr.CallWrite{{Record: record(1, "2026-11-20 10:00:00", "79219462761"), Version: 1}}))
	o.User, o.Password = embeddedtest.Reader()
	reader := connect(t, o)
	if got := ask(t, reader, "SELECT count() FROM events"); got != "1" {
		t.Errorf("%s events", got)
	}
	calls, err := reader.ListCalls(t.Context(), calls.Filter{})
	if err != nil || len(calls) != 1 {
		t.Errorf("as a reader: %d calls, %v", len(calls), err)
	}
	for _, sql := range []string{"INSERT INTO progress (name) VALUES ('x')", "TRUNCATE TABLE events", "CREATE TABLE x (a UInt8) ENGINE = Memory"} {
		if err := reader.QueryFormat(t.Context(), &bytes.Buffer{}, sql, "CSV"); err == nil {
			t.Errorf("the reader may: %s", sql)
		}
	}
	if got := ask(t, db, "SELECT count() FROM events"); got != "1" {
		t.Errorf("%s events are left", got)
	}
}
