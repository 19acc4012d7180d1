package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/blob"
	"fonoteka/internal/embedded"
	"fonoteka/internal/queue"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
)

// bucketName is the bucket of the embedded S3.
const bucketName = "fonoteka"

// statePorts are the ports a person asked for; 0 where none.
func (cfg *config) statePorts() state.Ports {
	return state.Ports{
		ClickHouseNative: cfg.ports["clickhouse"], ClickHouseHTTP: cfg.ports["clickhouse-http"],
		S3: cfg.ports["s3"], Redis: cfg.ports["redis"],
	}
}

// stack prepares the embedded stores that no URL replaces; wanted chooses among
// them (nil: all); o says the rest.
func (cfg *config) stack(v state.Values, wanted []embedded.Store, o embedded.StackOptions) (*embedded.Stack, error) {
	o.Library = func(ctx context.Context) (string, error) {
		return embedded.FetchEngine(ctx, cfg.engineCache, os.Stderr)
	}
	want := func(s embedded.Store, url string) bool {
		return url == "" && (wanted == nil || slices.Contains(wanted, s))
	}
	if want(embedded.StoreClickHouse, cfg.clickhouseURL) {
		o.ClickHouse = &embedded.ClickHouseOptions{
			Dir: filepath.Join(cfg.data, "clickhouse"), NativePort: v.Ports.ClickHouseNative, HTTPPort: v.Ports.ClickHouseHTTP,
			WriterPassword: v.ClickHouseWriterPassword, ReaderPassword: v.ClickHouseReaderPassword, AllowUnconfined: cfg.unconfined,
			AnalystPassword: v.ClickHouseAnalystPassword, DictionariesPassword: v.ClickHouseDictionariesPassword,
		}
	}
	if want(embedded.StoreS3, cfg.s3URL) {
		o.S3 = &embedded.S3Options{Dir: filepath.Join(cfg.data, "s3"), Port: v.Ports.S3, AccessKey: v.S3AccessKey, SecretKey: v.S3SecretKey}
	}
	if want(embedded.StoreRedis, cfg.redisURL) {
		o.Redis = &embedded.RedisOptions{Port: v.Ports.Redis, Password: v.RedisPassword}
	}
	return embedded.NewStack(o)
}

// readerMissing says why the embedded engine has no user for reading; nil: it has.
// The command and serve are asked the same on one machine, so they agree, if they
// have the same configuration.
func (cfg *config) readerMissing() error {
	if _, err := embedded.Confinement(); err != nil && !cfg.unconfined {
		return err
	}
	return nil
}

// warehouseOptions are those of the embedded engine, or of the URL. The reader
// of the embedded engine may only read; a URL has one user. Where there is no
// reader the writer takes its place: who has the data folder has its password,
// and what asks as a reader asks read-only.
func (cfg *config) warehouseOptions(v state.Values, reader bool) (warehouse.Options, error) {
	if cfg.clickhouseURL != "" {
		o, err := warehouse.ParseURL(cfg.clickhouseURL)
		o.CustodySealed = cfg.custodySealed()
		return o, err
	}
	o := warehouse.Options{
		CustodySealed: cfg.custodySealed(),
		Addrs:         []string{local(v.Ports.ClickHouseNative)}, HTTPAddr: local(v.Ports.ClickHouseHTTP),
		Database: embedded.ClickHouseDatabase, User: embedded.ClickHouseWriter, Password: v.ClickHouseWriterPassword,
	}
	if v.ClickHouseDictionariesPassword != "" { // made up when serve starts
		o.DictionaryUser, o.DictionaryPassword = embedded.ClickHouseDictionaries, v.ClickHouseDictionariesPassword
	}
	if reader && cfg.readerMissing() == nil {
		o.User, o.Password = embedded.ClickHouseReader, v.ClickHouseReaderPassword
	}
	return o, nil
}

func (cfg *config) blobURL(v state.Values) string {
	if cfg.s3URL != "" {
		return cfg.s3URL
	}
	u := url.URL{Scheme: "s3", User: url.UserPassword(v.S3AccessKey, v.S3SecretKey), Host: local(v.Ports.S3), Path: bucketName, RawQuery: "secure=false"}
	return u.String()
}

// redisOrEmbedded is the address of a Redis of one's own, or of the stack's, and how
// this process reaches that.
func (cfg *config) redisOrEmbedded(v state.Values, stack *embedded.Stack) (string, queue.Dialer) {
	if cfg.redisURL != "" {
		return cfg.redisURL, nil
	}
	u := url.URL{Scheme: "redis", User: url.UserPassword("", v.RedisPassword), Host: local(v.Ports.Redis), Path: "0"}
	return u.String(), stack.DialRedis
}

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// stores are what a command works on.
type stores struct {
	warehouse *warehouse.DB
	blob      *blob.Bucket // nil where it wants no objects
}

func withWarehouse(c *cli.Context, use func(*warehouse.DB) error) error {
	return withInstallation(c, []embedded.Store{embedded.StoreClickHouse}, false, func(st *stores) error { return use(st.warehouse) })
}

// withReader gives the warehouse to who may only read.
func withReader(c *cli.Context, use func(*warehouse.DB) error) error {
	return withInstallation(c, []embedded.Store{embedded.StoreClickHouse}, true, func(st *stores) error { return use(st.warehouse) })
}

func withStores(c *cli.Context, use func(*stores) error) error {
	return withInstallation(c, []embedded.Store{embedded.StoreClickHouse, embedded.StoreS3}, false, use)
}

// withInstallation lets a command use the stores of an installation: of the
// running one beside it, else its own, started for as long as it takes.
func withInstallation(c *cli.Context, wanted []embedded.Store, reader bool, use func(*stores) error) (err error) {
	cfg, err := loadConfig(c, forStores)
	if err != nil {
		return err
	}
	values, stop, err := cfg.reach(c.Context, wanted)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	o, err := cfg.warehouseOptions(values, reader)
	if err != nil {
		return err
	}
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	st := &stores{}
	if st.warehouse, err = warehouse.Open(o); err != nil {
		return err
	}
	defer st.warehouse.Close()
	if slices.Contains(wanted, embedded.StoreS3) {
		if st.blob, err = blob.Open(cfg.blobOptions(values)); err != nil {
			return err
		}
		defer st.blob.Close()
	}
	return use(st)
}
