package embedded_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"fonoteka/internal/embedded"
)

// askNative runs a query over the native protocol and returns its one value.
func askNative(ctx context.Context, addr, user, password, query string) (string, error) {
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{addr}, Auth: clickhouse.Auth{Username: user, Password: password}, DialTimeout: 5 * time.Second,
	})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	var answer string
	err = conn.QueryRow(ctx, query).Scan(&answer)
	return answer, err
}

// spills is a query that needs temporary files.
const spills = "SELECT toString(count()) FROM (SELECT number AS k, groupArray(number) FROM numbers(10000000) GROUP BY k) SETTINGS max_bytes_before_external_group_by = 50000000"

func TestClickHouseUsers(t *testing.T) {
	t.Parallel()
	opts := clickhouseOptions(t)
	ch := start(t, opts)
	mustAsk(t, ch, "CREATE DATABASE fonoteka")
	mustAsk(t, ch, "CREATE DATABASE other")
	mustAsk(t, ch, "CREATE TABLE fonoteka.directory_staff (k UInt64, v String) ENGINE = MergeTree ORDER BY k")
	mustAsk(t, ch, "INSERT INTO fonoteka.directory_staff VALUES (1, 'one')")
	mustAsk(t, ch, "CREATE VIEW fonoteka.directory_account_history AS SELECT * FROM fonoteka.directory_staff")
	mustAsk(t, ch, "CREATE DICTIONARY fonoteka.directory_account (k UInt64, v String) PRIMARY KEY k SOURCE(CLICKHOUSE(HOST '127.0.0.1' USER 'dictionaries' PASSWORD 'dictionaries-secret' TABLE 'directory_account_history')) LAYOUT(HASHED()) LIFETIME(0)")
	for _, db := range []string{"fonoteka", "other"} {
		mustAsk(t, ch, "CREATE TABLE "+db+".t (k UInt64, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY k")
		mustAsk(t, ch, "INSERT INTO "+db+".t VALUES (1, 1)")
		mustAsk(t, ch, "INSERT INTO "+db+".t VALUES (1, 2)")
	}
	const denied, unknown = "ACCESS_DENIED", "AUTHENTICATION_FAILED"
	for _, c := range []struct{ name, user, password, query, want, fails string }{
		{"the writer writes and reads", "fonoteka", "writer-secret", "SELECT toString(count()) FROM other.t", "2", ""},
		{"the reader reads, each row once", "reader", "reader-secret", "SELECT toString(count()) FROM fonoteka.t", "1", ""},
		{"the reader is in its database", "reader", "reader-secret", "SELECT currentDatabase()", "fonoteka", ""},
		{"the reader may set a time limit", "reader", "reader-secret", "SELECT toString(1) SETTINGS max_execution_time = 7", "1", ""},
		{"the reader may not raise its memory", "reader", "reader-secret", "SELECT '' SETTINGS max_memory_usage = 9000000000", "", "SETTING_CONSTRAINT_VIOLATION"},
		{"the reader may not take all memory by many queries", "reader", "reader-secret", "SELECT '' SETTINGS max_memory_usage_for_user = 0", "", "SETTING_CONSTRAINT_VIOLATION"},
		{"the reader may wait for up to an hour", "reader", "reader-secret", "SELECT '' SETTINGS max_execution_time = 7200", "", "SETTING_CONSTRAINT_VIOLATION"},
		{"the reader may not do without a limit of memory", "reader", "reader-secret", "SELECT '' SETTINGS max_memory_usage = 0", "", "SETTING_CONSTRAINT_VIOLATION"},
		{"the reader may not read without end", "reader", "reader-secret", "SELECT '' SETTINGS max_rows_to_read = 0", "", "SETTING_CONSTRAINT_VIOLATION"},
		{"the reader's query ends where it reads too much", "reader", "reader-secret", "SELECT toString(count()) FROM fonoteka.t SETTINGS max_rows_to_read = 1", "", "TOO_MANY_ROWS"},
		{"the reader may not take more threads", "reader", "reader-secret", "SELECT '' SETTINGS max_threads = 500", "", "SETTING_CONSTRAINT_VIOLATION"},
		{"the reader may not fill the disk by one query", "reader", "reader-secret", "SELECT '' SETTINGS max_temporary_data_on_disk_size_for_query = 0", "", "SETTING_CONSTRAINT_VIOLATION"},
		{"the reader may not take the disk's last space", "reader", "reader-secret", "SELECT '' SETTINGS min_free_disk_space_for_temporary_data = 1000000", "", "SETTING_CONSTRAINT_VIOLATION"},
		{"the reader's query ends where it would", "reader", "reader-secret", spills + ", min_free_disk_space_for_temporary_data = 1000000000000000", "", "NOT_ENOUGH_SPACE"},
		{"the reader's query ends where it fills the disk", "reader", "reader-secret", spills + ", max_temporary_data_on_disk_size_for_query = 1000000", "", "TOO_MANY_ROWS_OR_BYTES"},
		{"the reader does not write", "reader", "reader-secret", "INSERT INTO fonoteka.t VALUES (2, 1)", "", denied},
		{"the reader does not drop", "reader", "reader-secret", "DROP TABLE fonoteka.t", "", denied},
		{"the reader sees no other database", "reader", "reader-secret", "SELECT toString(count()) FROM other.t", "", denied},
		{"the reader opens no file", "reader", "reader-secret", "SELECT * FROM file('/etc/passwd', 'LineAsString')", "", denied},
		{"the reader opens no address", "reader", "reader-secret", "SELECT * FROM url('http://127.0.0.1/', 'LineAsString')", "", denied},
		{"the reader asks a dictionary", "reader", "reader-secret", "SELECT dictGet('fonoteka.directory_account', 'v', toUInt64(1))", "one", ""},
		{"the dictionaries' user reads the directory", "dictionaries", "dictionaries-secret", "SELECT v FROM fonoteka.directory_account_history", "one", ""},
		{"the dictionaries' user reads no calls", "dictionaries", "dictionaries-secret", "SELECT toString(count()) FROM fonoteka.t", "", denied},
		{"the dictionaries' user reads no other database", "dictionaries", "dictionaries-secret", "SELECT toString(count()) FROM other.t", "", denied},
		{"the dictionaries' user writes nothing", "dictionaries", "dictionaries-secret", "INSERT INTO fonoteka.directory_staff VALUES (2, 'two')", "", denied},
		{"the dictionaries' user opens no file", "dictionaries", "dictionaries-secret", "SELECT * FROM file('/etc/passwd', 'LineAsString')", "", denied},
		{"the dictionaries' user opens no address", "dictionaries", "dictionaries-secret", "SELECT * FROM url('http://127.0.0.1/', 'LineAsString')", "", denied},
		{"the dictionaries' user raises no limit", "dictionaries", "dictionaries-secret", "SELECT '' SETTINGS max_memory_usage = 0", "", "READONLY"},
		{"a wrong password", "fonoteka", "reader-secret", "SELECT '1'", "", unknown},
		{"no password", "fonoteka", "", "SELECT '1'", "", unknown},
		{"the reader with a wrong password", "reader", "wrong", "SELECT '1'", "", unknown},
		{"somebody else", "nobody", "", "SELECT '1'", "", unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ask(ch.HTTPAddr(), c.user, c.password, c.query)
			check(t, "http", got, err, c.want, c.fails)
			if strings.HasPrefix(c.query, "SELECT") {
				got, err = askNative(t.Context(), ch.NativeAddr(), c.user, c.password, c.query)
				check(t, "native", got, err, c.want, c.fails)
			}
		})
	}
}

func check(t *testing.T, port, got string, err error, want, fails string) {
	t.Helper()
	if fails == "" {
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", port, got, err, want)
		}
		return
	}
	// The native protocol has the error's number, HTTP its name too.
	var exception *clickhouse.Exception
	name := ""
	if errors.As(err, &exception) {
		name = map[int32]string{
			158: "TOO_MANY_ROWS", 159: "TIMEOUT_EXCEEDED", 164: "READONLY", 241: "MEMORY_LIMIT_EXCEEDED", 243: "NOT_ENOUGH_SPACE",
			396: "TOO_MANY_ROWS_OR_BYTES", 452: "SETTING_CONSTRAINT_VIOLATION",
			497: "ACCESS_DENIED", 516: "AUTHENTICATION_FAILED", 700: "USER_SESSION_LIMIT_EXCEEDED",
		}[exception.Code]
	}
	if err == nil || name != fails && !strings.Contains(err.Error(), fails) {
		t.Errorf("%s: %q, %v, want %s", port, got, err, fails)
	}
}

// What an administrator runs on a server of their own makes the same analyst as the
// embedded engine has. The engine cannot keep users made in SQL, so they are compared.
func TestTheAnalystOfAServerOfOnesOwnIsTheSame(t *testing.T) {
	t.Parallel()
	opts := clickhouseOptions(t)
	opts.Memory = 64 << 30 // the limits of a machine that has enough
	ch := start(t, opts)
	mustAsk(t, ch, "CREATE DATABASE fonoteka")
	file, err := os.ReadFile("../../deploy/clickhouse/analyst.sql")
	if err != nil {
		t.Fatal(err)
	}
	var limits, grants []string
	for statement := range strings.SplitSeq(strings.TrimSuffix(string(file), ";\n"), ";\n") {
		statement = mustAsk(t, ch, "SELECT formatQuerySingleLine('"+strings.ReplaceAll(statement, "'", "\\'")+"')") // fails where it cannot be parsed
		if strings.HasPrefix(statement, "GRANT ") || strings.HasPrefix(statement, "REVOKE ") {
			grants = append(grants, statement)
		}
		if _, list, ok := strings.Cut(statement, "`fonoteka_analyst` SETTINGS "); ok {
			limits = strings.Split(list, ", ")
		}
	}
	as := func(query string) []string {
		got, err := ask(ch.HTTPAddr(), "analyst", "analyst-secret", query)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(got), "\n")
	}
	same := func(what string, file, embedded []string) {
		slices.Sort(file)
		slices.Sort(embedded)
		if !slices.Equal(file, embedded) {
			t.Errorf("%s:\nanalyst.sql %q\nembedded    %q", what, file, embedded)
		}
	}
	itsOwn := mustAsk(t, ch, "SELECT groupArray(name) FROM system.settings WHERE changed") // the engine's, for the writer too
	same("limits", limits, as(`WITH readonly AND name != 'readonly' AS const
		SELECT name || if(changed, ' = ' || value, '') || if(min IS NULL, '', ' MIN ' || min) || if(max IS NULL, '', ' MAX ' || max) || if(const, ' CONST', '')
		FROM system.settings WHERE (changed OR const OR min IS NOT NULL OR max IS NOT NULL) AND name NOT IN `+itsOwn+` FORMAT TSVRaw`))
	same("grants", grants, as("SHOW GRANTS FORMAT TSVRaw"))
}

func TestEveryInsertIsSynced(t *testing.T) {
	t.Parallel()
	ch := start(t, clickhouseOptions(t))
	got := mustAsk(t, ch, "SELECT groupArray(value) FROM (SELECT value FROM system.merge_tree_settings WHERE name IN ('fsync_after_insert', 'fsync_part_directory'))")
	if got != "['1','1']" {
		t.Errorf("the defaults of merge trees are %s", got)
	}
	if zone := mustAsk(t, ch, "SELECT timezone()"); zone != "UTC" {
		t.Errorf("the zone is %s", zone)
	}
}

func TestClickHouseSaysWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	opts := clickhouseOptions(t)
	opts.Library = opts.Dir
	if _, err := embedded.StartClickHouse(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "load the engine") {
		t.Errorf("a library that is none: %v", err)
	}
	if _, err := embedded.StartClickHouse(t.Context(), embedded.ClickHouseOptions{}); err == nil {
		t.Error("no options: started")
	}
}
