// Package embeddedtest gives tests real stores: one ClickHouse and one S3 per
// test process, started on first use, and Redis as the real server.
//
// A package that uses it calls Main from its TestMain:
//
//	func TestMain(m *testing.M) { embeddedtest.Main(m) }
//
// Tests of one process share the stores, so each takes a database, a bucket or
// a key prefix of its own. What is not installed skips the test with a hint,
// and fails it in CI (see internal/testenv).
package embeddedtest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/embedded"
	"fonoteka/internal/testenv"
)

// stores of this process, each started by its first user and stopped by Main.
// They are global because a test process has one of each, and no place else to
// keep them between tests.
var (
	dir        = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "fonoteka-test-") })
	clickhouse = sync.OnceValues(startClickHouse)
	s3         = sync.OnceValues(startS3)

	mu    sync.Mutex
	stops []func()
)

// Main runs the tests of a package and ends the process; before that it lets
// the process be a store, if it was started to be one.
func Main(m *testing.M) {
	embedded.Main()
	code := m.Run()
	mu.Lock()
	defer mu.Unlock()
	for _, stop := range stops {
		stop()
	}
	if len(stops) > 0 {
		if d, err := dir(); err == nil {
			os.RemoveAll(d)
		}
	}
	os.Exit(code)
}

// AtEnd has Main call stop when all tests have ended.
func AtEnd(stop func()) {
	mu.Lock()
	defer mu.Unlock()
	stops = append(stops, stop)
}

// Engine returns the path of the embedded ClickHouse's library.
func Engine(t testing.TB) string {
	t.Helper()
	lib, err := engine()
	if err != nil {
		testenv.Missing(t, "%v; make test fetches it", err)
	}
	return lib
}

func engine() (string, error) {
	cache := os.Getenv("FONOTEKA_ENGINE_CACHE")
	if cache == "" {
		var err error
		if cache, err = embedded.DefaultCacheDir(); err != nil {
			return "", err
		}
	}
	return embedded.FindEngine(cache)
}

const writerPassword, readerPassword, analystPassword = "test-writer", "test-reader", "test-analyst"

// ClickHouse returns the native and HTTP addresses of this process's shared
// engine, and its writer, who may create databases.
func ClickHouse(t testing.TB) (native, http, user, password string) {
	t.Helper()
	Engine(t)
	ch, err := clickhouse()
	if err != nil {
		t.Fatal(err)
	}
	return ch.NativeAddr(), ch.HTTPAddr(), embedded.ClickHouseWriter, writerPassword
}

// Reader returns the read-only user of the shared engine, who sees the
// database "fonoteka" alone.
func Reader() (user, password string) { return embedded.ClickHouseReader, readerPassword }

// Analyst returns the user for Grafana and SQL tools, likewise.
func Analyst() (user, password string) { return embedded.ClickHouseAnalyst, analystPassword }

// patience is how long a store may take to start: a machine that does much else is slow.
const patience = 5 * time.Minute

func startClickHouse() (*embedded.ClickHouse, error) {
	lib, err := engine()
	if err != nil {
		return nil, err
	}
	d, err := dir()
	if err != nil {
		return nil, fmt.Errorf("create a folder for the stores: %w", err)
	}
	ch, err := embedded.StartClickHouse(context.Background(), embedded.ClickHouseOptions{
		Dir: filepath.Join(d, "clickhouse"), Library: lib,
		WriterPassword: writerPassword, ReaderPassword: readerPassword, AnalystPassword: analystPassword,
		StartTimeout: patience,
		Log:          slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return nil, err
	}
	AtEnd(stop(ch.Stop))
	return ch, nil
}

const s3AccessKey, s3SecretKey = "test-access", "test-secret"

// S3 returns the address of this process's shared object store (plain http,
// region embedded.S3Region) and its account, who may create buckets.
func S3(t testing.TB) (addr, accessKey, secretKey string) {
	t.Helper()
	s, err := s3()
	if err != nil {
		t.Fatal(err)
	}
	return s.Addr(), s3AccessKey, s3SecretKey
}

func startS3() (*embedded.S3, error) {
	d, err := dir()
	if err != nil {
		return nil, fmt.Errorf("create a folder for the stores: %w", err)
	}
	s, err := embedded.StartS3(context.Background(), embedded.S3Options{
		Dir: filepath.Join(d, "s3"), AccessKey: s3AccessKey, SecretKey: s3SecretKey, StartTimeout: patience,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return nil, err
	}
	AtEnd(stop(s.Stop))
	return s, nil
}

// stop kills: what the store holds is thrown away, and the engine would wait
// for connections that tests left open.
func stop(f func(context.Context) error) func() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return func() { _ = f(ctx) }
}
