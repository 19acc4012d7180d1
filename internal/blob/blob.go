// Package blob stores objects in one bucket of any S3. When Put returns nil,
// the server has checked the bytes against the SHA-256 that the caller
// computed beforehand, and has answered for them; a key once written is never
// overwritten (ErrExists).
//
// The whole object goes up in one request with its digest in the header:
// a body that differs is refused by the server and leaves no object. Streaming
// with a trailing checksum was rejected: it would store first and compare
// afterwards, and fails on plain http. Multipart uploads were rejected: their
// checksum is not the object's.
//
// Remove and RemoveVersion refuse by themselves to delete an object that
// is under legal hold or retention, and do not rely on the server, since
// some servers ignore a hold once the retention has expired. Retention is set on each
// object as it is put, and again where a store has lost it (LockAnew): a copy of the
// embedded store's folder without extended attributes has lost it, for example. A default
// retention of the bucket was rejected, as others may change it. Probe finds out what a
// server can do by trying it: the
// embedded one accepts a request for encryption and stores plain bytes.
//
// minio-go is the client because it is small, works with every S3 in use and
// can send a checksum that we computed; the AWS SDK is five times its size. It is
// imported only here.
//
// Keys and metadata are visible to whoever runs the store: they never hold
// personal data. Errors never hold credentials.
package blob

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/run"
)

// Errors that callers branch on.
var (
	ErrExists   = errors.New("object exists") // Put: the key is taken
	ErrNotFound = errors.New("no such object")
)

// Options say where the bucket is and who asks.
type Options struct {
	// URL is s3://KEY:SECRET@HOST:PORT/BUCKET?secure=false&region=REGION; secure
	// is true and region us-east-1 where they are left out. A secret's special
	// characters are percent-encoded.
	URL string

	Retention  Retention  // of each object that is put
	Encryption Encryption // likewise
	// RetentionUnder are other rules, for the objects whose keys begin with a
	// prefix; no prefix of it begins with another.
	RetentionUnder map[string]Retention
	// Own says that nobody else uses the bucket, so that EnsureBucket may enable
	// Object Lock in one that was made without it.
	Own bool

	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: none
}

// Location is what Options.URL says, without the credentials.
type Location struct {
	Endpoint string // host:port
	Bucket   string
	Region   string
	Secure   bool
}

// Bucket is one bucket. It is safe for concurrent use.
type Bucket struct {
	client *minio.Client
	where  Location
	http   *http.Transport
	log    *slog.Logger
	m      *metrics

	retention  Retention
	under      map[string]Retention
	encryption Encryption
	own        bool
	lockable   atomic.Bool // the bucket is known to have Object Lock
}

// Open makes a Bucket without talking to the server, so that a program may
// start before its store is up.
func Open(o Options) (*Bucket, error) {
	where, creds, err := parse(o.URL)
	if err != nil {
		return nil, err
	}
	for prefix, r := range o.RetentionUnder {
		if err := r.validate(); err != nil {
			return nil, fmt.Errorf("under %s: %w", prefix, err)
		}
	}
	if err := o.Retention.validate(); err != nil {
		return nil, err
	}
	b := &Bucket{
		where: where, http: transport(), log: run.Log(o.Log), m: newMetrics(o.Registerer),
		retention: o.Retention, under: maps.Clone(o.RetentionUnder), encryption: o.Encryption, own: o.Own,
	}
	b.client, err = minio.New(where.Endpoint, &minio.Options{
		Creds:           creds,
		Secure:          where.Secure,
		Region:          where.Region,
		Transport:       b.http,
		TrailingHeaders: true, // needed for a checksum in the header, too
		MaxRetries:      3,    // the callers retry at their own pace
	})
	if err != nil {
		return nil, fmt.Errorf("opening bucket %s at %s: %w", where.Bucket, where.Endpoint, err)
	}
	return b, nil
}

// transport is not the client's default: no proxy from the environment, and
// enough idle connections for a worker pool.
func transport() *http.Transport {
	return &http.Transport{
		DialContext:           dial,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		ExpectContinueTimeout: time.Second,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       time.Minute,
		DisableCompression:    true,
	}
}

// ParseURL parses a URL in the form of Options.URL, without connecting. Its error never
// repeats the URL, which holds a secret.
func ParseURL(raw string) (Location, error) {
	where, _, err := parse(raw)
	return where, err
}

func parse(raw string) (Location, *credentials.Credentials, error) {
	fail := func(what string) (Location, *credentials.Credentials, error) {
		return Location{}, nil, fmt.Errorf("object store address: %s; it looks like s3://KEY:SECRET@HOST:PORT/BUCKET?secure=false", what)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return fail("cannot be read") // the error would show the secret
	}
	secret, _ := u.User.Password()
	where := Location{Endpoint: u.Host, Bucket: strings.Trim(u.Path, "/"), Region: "us-east-1", Secure: true}
	switch {
	case u.Scheme != "s3":
		return fail("the scheme is not s3")
	case u.Hostname() == "":
		return fail("the host is missing")
	case u.User.Username() == "" || secret == "":
		return fail("key or secret is missing")
	case where.Bucket == "" || strings.Contains(where.Bucket, "/"):
		return fail("the path is not the name of a bucket")
	}
	for name, values := range u.Query() {
		switch name {
		case "secure":
			if where.Secure, err = strconv.ParseBool(values[0]); err != nil {
				return fail("secure is neither true nor false")
			}
		case "region":
			where.Region = values[0]
		default:
			return fail("unknown parameter " + strconv.Quote(name))
		}
	}
	return where, credentials.NewStaticV4(u.User.Username(), secret, ""), nil
}

// Location says where the bucket is.
func (b *Bucket) Location() Location { return b.where }

// Name is the bucket's name.
func (b *Bucket) Name() string { return b.where.Bucket }

// Ping reports whether the store answers and the bucket is there.
func (b *Bucket) Ping(ctx context.Context) error {
	have, err := b.client.BucketExists(ctx, b.where.Bucket)
	if err == nil && !have {
		err = ErrNotFound
	}
	if err != nil {
		return b.wrap("asking for bucket", b.where.Bucket, err)
	}
	return nil
}

// Close drops idle connections.
func (b *Bucket) Close() { b.http.CloseIdleConnections() }
