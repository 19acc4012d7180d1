package warehouse_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/warehouse"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

var databases atomic.Int64

// options name a database that no other test uses, not made yet.
func options(t testing.TB) warehouse.Options {
	native, http, user, password := embeddedtest.ClickHouse(t)
	return warehouse.Options{
		Addrs: []string{native}, HTTPAddr: http, User: user, Password: password,
		Database: fmt.Sprintf("test_%d", databases.Add(1)), Registerer: prometheus.NewRegistry(),
	}
}

func connect(t testing.TB, o warehouse.Options) *warehouse.DB {
	t.Helper()
	o.Registerer = nil
	db, err := warehouse.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func migrated(t testing.TB, o warehouse.Options) *warehouse.DB {
	t.Helper()
	db := connect(t, o)
	if err := db.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return db
}

// open is a migrated warehouse of the test's own.
func open(t testing.TB) *warehouse.DB {
	t.Helper()
	return migrated(t, options(t))
}

// ask runs SQL of any kind and returns its answer, tab-separated.
func ask(t testing.TB, db *warehouse.DB, sql string) string {
	t.Helper()
	if verb := strings.Fields(sql)[0]; verb != "SELECT" && verb != "WITH" && verb != "SHOW" && verb != "DESCRIBE" {
		must(t, db.Exec(context.Background(), sql))
		return ""
	}
	var b bytes.Buffer
	if err := db.Query(context.Background(), &b, sql, "TabSeparated"); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.TrimSpace(b.String())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func at(s string) time.Time {
	v, err := time.Parse("2006-01-02 15:04:05", s)
	if err != nil {
		panic(err)
	}
	return v
}

func event(id uint64, received time.Time, body string) warehouse.EventRow {
	return warehouse.EventRow{
		Integration: "main", GroupID: 7, EventID: id, ReceivedAt: received,
		Kind: call.KindCall, State: "trying", Body: []byte(body),
	}
}
