package system

import (
	"database/sql"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/sim"
	"fonoteka/internal/warehouse"
)

// database makes a database on this process's engine that serve and commands
// are told of, and returns its URL with a connection.
func database(t *testing.T, name string) (string, *sql.DB) {
	t.Helper()
	native, httpAddr, user, password := embeddedtest.ClickHouse(t)
	_, httpPort, _ := strings.Cut(httpAddr, ":")
	u := url.URL{
		Scheme: "clickhouse", User: url.UserPassword(user, password), Host: native, Path: name,
		RawQuery: "http_port=" + httpPort,
	}
	o, err := warehouse.ParseURL(u.String())
	if err != nil {
		t.Fatal(err)
	}
	db, err := warehouse.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	conn, err := sql.Open("clickhouse", u.Scheme+"://"+u.User.String()+"@"+native+"/"+name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return u.String(), conn
}

// A newer version was here, and somebody went back: what comes in is kept, and
// nothing is done to the tables.
func TestADatabaseOfANewerVersionStopsTheWarehouseOnly(t *testing.T) {
	t.Parallel()
	warehouseURL, db := database(t, "newer")
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	stopsTheWarehouseOnly(t, warehouseURL, "newer than this program", "start the newer")
	for _, table := range []string{"events", "recordings", "custody", "calls", "rejected", "progress"} {
		n := -1
		if err := db.QueryRow("SELECT count() FROM " + table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s has %d rows, %v", table, n, err)
		}
	}
}

// Likewise one of before the first release, whose tables are others.
func TestADatabaseOfBeforeTheFirstReleaseStopsTheWarehouseOnly(t *testing.T) {
	t.Parallel()
	warehouseURL, db := database(t, "of_today")
	const name = "before_the_first"
	for _, statement := range []string{
		"CREATE DATABASE " + name,
		"CREATE TABLE " + name + ".events (integration LowCardinality(String), call_id UInt64, event_id UInt64) ENGINE = ReplacingMergeTree ORDER BY (integration, call_id, event_id)",
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	warehouseURL = strings.Replace(warehouseURL, "/of_today?", "/"+name+"?", 1)
	stopsTheWarehouseOnly(t, warehouseURL, "the layout before the first release", "deploy/CARRY-OVER.md")
	var tables string
	if err := db.QueryRow("SELECT arrayStringConcat(groupArray(name)) FROM system.tables WHERE database = '" + name + "'").Scan(&tables); err != nil || tables != "events" {
		t.Errorf("tables %s, %v", tables, err)
	}
	out, _, code := output(t, "migrate", "--data", filepath.Join(t.TempDir(), "none"), "--clickhouse-url", warehouseURL)
	if code == 0 || out != "" {
		t.Errorf("migrate: exit %d, %s", code, out)
	}
	out, _, _ = output(t, "doctor", "stores", "--json", "--data", filepath.Join(t.TempDir(), "none"), "--clickhouse-url", warehouseURL)
	if tables := findingsOf(t, out)["tables"]; tables.Answer != no || !strings.Contains(tables.Do, "CARRY-OVER.md") {
		t.Errorf("doctor says %s", out)
	}
}

// stopsTheWarehouseOnly runs serve on a database that it leaves alone: notifications
// are taken, recordings are stored, and it says why.
func stopsTheWarehouseOnly(t *testing.T, warehouseURL, why, do string) {
	t.Helper()
	op := operate(t, sim.Options{Seed: 21, Calls: 20, Connections: 4})
	in := install(t, op.hosts(), "FONOTEKA_CLICKHOUSE_URL="+warehouseURL).start()
	if err := op.Post(t.Context(), nil, in.redirectURI()); err != nil {
		t.Fatal(err)
	}
	ledger := op.Ledger()
	if ledger.Acked == 0 {
		t.Error("no notification was taken")
	}
	in.until("the recordings are in the bucket", time.Minute, func() bool { return in.storedMP3s() == recordings(ledger) })
	status, text := get(t, "http://"+in.runtime().PrivateListen+"/readyz")
	if status != http.StatusServiceUnavailable || !strings.Contains(text, why) || !strings.Contains(text, do) {
		t.Errorf("/readyz: %d\n%s", status, text)
	}
	if status, _ := get(t, "http://"+in.runtime().PrivateListen+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: %d", status)
	}
	log := filepath.Join(filepath.Dir(in.dir), "serve.log")
	in.until("the log says why", 20*time.Second, func() bool {
		b, _ := os.ReadFile(log)
		return strings.Contains(string(b), why)
	})
	in.stop()
}

// What needs the warehouse alone asks for no bucket.
func TestSQLAndCallsNeedNoObjectStore(t *testing.T) {
	t.Parallel()
	warehouseURL, _ := database(t, "no_bucket")
	for args, want := range map[string]string{"sql --format TSV SELECT/**/1": "1\n", "calls list": "no calls\n"} {
		out, stderr, code := output(t, append(strings.Fields(args), "--data", filepath.Join(t.TempDir(), "none"), "--clickhouse-url", warehouseURL)...)
		if out != want || code != 0 {
			t.Errorf("%s: exit %d, %q\n%s", args, code, out, stderr)
		}
	}
}
