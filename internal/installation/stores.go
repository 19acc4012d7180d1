package installation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"fonoteka/internal/blob"
	"fonoteka/internal/embedded"
	"fonoteka/internal/fixity"
	"fonoteka/internal/queue"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
)

// BucketName is the bucket of the embedded S3.
const BucketName = "fonoteka"

// StatePorts are the ports a person asked for; 0 where none.
func StatePorts(cfg *settings.Config) state.Ports {
	return state.Ports{
		ClickHouseNative: cfg.Ports["clickhouse"], ClickHouseHTTP: cfg.Ports["clickhouse-http"],
		S3: cfg.Ports["s3"], Redis: cfg.Ports["redis"],
	}
}

// Stack prepares the embedded stores that no URL replaces; wanted chooses among
// them (nil: all); o says the rest.
func Stack(cfg *settings.Config, v state.Values, wanted []embedded.Store, o embedded.StackOptions) (*embedded.Stack, error) {
	o.Library = func(ctx context.Context) (string, error) {
		return embedded.FetchEngine(ctx, cfg.EngineCache, os.Stderr)
	}
	want := func(s embedded.Store, url string) bool {
		return url == "" && (wanted == nil || slices.Contains(wanted, s))
	}
	if want(embedded.StoreClickHouse, cfg.ClickHouseURL) {
		o.ClickHouse = &embedded.ClickHouseOptions{
			Dir: filepath.Join(cfg.Data, "clickhouse"), NativePort: v.Ports.ClickHouseNative, HTTPPort: v.Ports.ClickHouseHTTP,
			WriterPassword: v.ClickHouseWriterPassword, ReaderPassword: v.ClickHouseReaderPassword, AllowUnconfined: cfg.Unconfined,
			AnalystPassword: v.ClickHouseAnalystPassword, DictionariesPassword: v.ClickHouseDictionariesPassword,
		}
	}
	if want(embedded.StoreS3, cfg.S3URL) {
		o.S3 = &embedded.S3Options{Dir: filepath.Join(cfg.Data, "s3"), Port: v.Ports.S3, AccessKey: v.S3AccessKey, SecretKey: v.S3SecretKey}
	}
	if want(embedded.StoreRedis, cfg.RedisURL) {
		o.Redis = &embedded.RedisOptions{Port: v.Ports.Redis, Password: v.RedisPassword}
	}
	return embedded.NewStack(o)
}

// ReaderMissing says why the embedded engine has no user for reading; nil: it has.
// The command and serve are asked the same on one machine, so they agree, if they
// have the same configuration.
func ReaderMissing(cfg *settings.Config) error {
	if _, err := embedded.Confinement(); err != nil && !cfg.Unconfined {
		return err
	}
	return nil
}

// WarehouseOptions are those of the embedded engine, or of the URL. The reader
// of the embedded engine may only read; a URL has one user. Where there is no
// reader the writer takes its place: who has the data folder has its password,
// and what asks as a reader asks read-only.
func WarehouseOptions(cfg *settings.Config, v state.Values, reader bool) (warehouse.Options, error) {
	if cfg.ClickHouseURL != "" {
		o, err := warehouse.ParseURL(cfg.ClickHouseURL)
		o.CustodySealed = custodySealed(cfg)
		return o, err
	}
	o := warehouse.Options{
		CustodySealed: custodySealed(cfg),
		Addrs:         []string{Local(v.Ports.ClickHouseNative)}, HTTPAddr: Local(v.Ports.ClickHouseHTTP),
		Database: embedded.ClickHouseDatabase, User: embedded.ClickHouseWriter, Password: v.ClickHouseWriterPassword,
	}
	if v.ClickHouseDictionariesPassword != "" { // made up when serve starts
		o.DictionaryUser, o.DictionaryPassword = embedded.ClickHouseDictionaries, v.ClickHouseDictionariesPassword
	}
	if reader && ReaderMissing(cfg) == nil {
		o.User, o.Password = embedded.ClickHouseReader, v.ClickHouseReaderPassword
	}
	return o, nil
}

// BlobURL is the object store: the one of the settings, or the embedded one.
func BlobURL(cfg *settings.Config, v state.Values) string {
	if cfg.S3URL != "" {
		return cfg.S3URL
	}
	u := url.URL{Scheme: "s3", User: url.UserPassword(v.S3AccessKey, v.S3SecretKey), Host: Local(v.Ports.S3), Path: BucketName, RawQuery: "secure=false"}
	return u.String()
}

// RedisOrEmbedded is the address of a Redis of one's own, or of the stack's, and how
// this process reaches that.
func RedisOrEmbedded(cfg *settings.Config, v state.Values, stack *embedded.Stack) (string, queue.Dialer) {
	if cfg.RedisURL != "" {
		return cfg.RedisURL, nil
	}
	u := url.URL{Scheme: "redis", User: url.UserPassword("", v.RedisPassword), Host: Local(v.Ports.Redis), Path: "0"}
	return u.String(), stack.DialRedis
}

// Local is a port of this machine.
func Local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// Stores are what a command works on.
type Stores struct {
	Warehouse *warehouse.DB
	Blob      *blob.Bucket // nil where no objects were wanted
}

// BlobOptions say where recordings are, and how they are kept there.
func BlobOptions(cfg *settings.Config, v state.Values) blob.Options {
	return blob.Options{URL: BlobURL(cfg, v), Retention: cfg.Retention, RetentionUnder: cfg.Retentions(), Encryption: cfg.Encryption, Own: cfg.S3URL == ""}
}

// Use gives the stores of an installation for as long as use takes: those of
// the running one, else its own, which are started for it. reader asks for the one who
// may only read. log may be nil.
func Use(ctx context.Context, cfg *settings.Config, wanted []embedded.Store, reader bool, log *slog.Logger, use func(*Stores) error) (err error) {
	values, stop, err := Reach(ctx, cfg, wanted)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	o, err := WarehouseOptions(cfg, values, reader)
	if err != nil {
		return err
	}
	o.Log = log
	st := &Stores{}
	if st.Warehouse, err = warehouse.Open(o); err != nil {
		return err
	}
	defer st.Warehouse.Close()
	if slices.Contains(wanted, embedded.StoreS3) {
		if st.Blob, err = blob.Open(BlobOptions(cfg, values)); err != nil {
			return err
		}
		defer st.Blob.Close()
	}
	return use(st)
}

// UseWarehouse gives the warehouse alone.
func UseWarehouse(ctx context.Context, cfg *settings.Config, use func(*warehouse.DB) error) error {
	return Use(ctx, cfg, []embedded.Store{embedded.StoreClickHouse}, false, nil, func(st *Stores) error { return use(st.Warehouse) })
}

// Checker checks what is stored, with at most rate bytes a second (0: no limit).
func (st *Stores) Checker(rate int64, parallel int) (*fixity.Checker, error) {
	db := catalogue.New(st.Warehouse)
	return fixity.New(fixity.Options{
		Rows: db, Custody: db, Store: st.Blob, Bucket: st.Blob.Name(), BytesPerSecond: rate, Parallel: parallel,
	})
}
