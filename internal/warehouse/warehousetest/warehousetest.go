// Package warehousetest gives tests fresh databases of the shared engine, and a value
// that knows them as every topic does. Who uses it calls embeddedtest.Main.
package warehousetest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/directories"
	"fonoteka/internal/warehouse/reports"
	"fonoteka/internal/warehouse/trails"
)

// The topics, under names that stand beside each other in a DB.
type (
	Engine      = warehouse.DB
	Calls       = calls.DB
	Catalogue   = catalogue.DB
	Reports     = reports.DB
	Directories = directories.DB
	Trails      = trails.DB
)

// DB is a database as all topics know it: a test of one of them writes what others read.
type DB struct {
	*Engine
	*Calls
	*Catalogue
	*Reports
	*Directories
	*Trails
}

// Of is what all topics know of a database.
func Of(db *warehouse.DB) *DB {
	return &DB{db, calls.New(db), catalogue.New(db), reports.New(db), directories.New(db), trails.New(db)}
}

var databases atomic.Int64

// Name is that of a database which no other test uses, of this process or, as after a
// crash, of one before on the same engine.
func Name() string { return fmt.Sprintf("test_%d_%d", time.Now().UnixNano(), databases.Add(1)) }

// Options name a database of the shared engine that no other test uses, not made yet.
func Options(t testing.TB) warehouse.Options {
	t.Helper()
	native, http, user, password := embeddedtest.ClickHouse(t)
	return warehouse.Options{
		Addrs: []string{native}, HTTPAddr: http, User: user, Password: password,
		Database: Name(), Registerer: prometheus.NewRegistry(),
	}
}

// Connect opens a database until the test ends. Metrics are registered by Open alone,
// since several connections would register them twice.
func Connect(t testing.TB, o warehouse.Options) *DB {
	t.Helper()
	o.Registerer = nil
	db, err := warehouse.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return Of(db)
}

// Migrated opens a database with its tables.
func Migrated(t testing.TB, o warehouse.Options) *DB {
	t.Helper()
	db := Connect(t, o)
	if err := db.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return db
}

// Open is a migrated database of the test's own.
func Open(t testing.TB) *DB {
	t.Helper()
	return Migrated(t, Options(t))
}

// Ask runs SQL of any kind and returns its answer, tab-separated.
func Ask(t testing.TB, db *DB, sql string) string {
	t.Helper()
	if verb := strings.Fields(sql)[0]; verb != "SELECT" && verb != "WITH" && verb != "SHOW" && verb != "DESCRIBE" {
		if err := db.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return ""
	}
	var b bytes.Buffer
	if err := db.QueryFormat(context.Background(), &b, sql, "TabSeparated"); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.TrimSpace(b.String())
}
