// Package archive takes announced recordings into the archive: fetch, verify,
// store, write the row. When the catalogue says "archived", the recording and its
// sidecar are durable, whole and exactly what the operator's server sent.
//
// The order is the contract: the body is complete, hashed and walked to its end
// before any of it is stored; then recording, sidecar, row. Each step can run
// twice, and a crash between two leaves something that the next run finishes:
// it finds the object and only writes what is missing after it. Streaming
// straight through to the store was rejected, because a locked bucket would
// keep cut files for years.
//
// A recording is of whatever format its content is (package audio), under a key with
// that extension (package bucket). {id}.json names its first file; where a file of
// another format comes, it goes beside, and of two that come at one moment the
// conditional put of {id}.json tells the first. Text before the audio is archived with
// it, and said. What is audio by its beginning, and cut, damaged or of a kind that cannot
// be verified, is kept in quarantine under its own extension.
//
// Every failure has a class with a schedule of its own, over the whole life of
// the link. A recording is given up only by the server's own "no such file", said
// twice, a day apart, two weeks after its estimated expiry. Damaged audio is kept in
// quarantine, once per digest, and the recording goes on being tried as long.
//
// A whole file may still be short: the operator's server gives what it has so far. Once
// the CDR shows that (call.Record.Judged), the archived recording is fetched again, an
// hour and a day later and a day before the link's end, until the same file has come
// twice, an hour apart. Another file is stored beside, and the longest is the recording
// (bucket.Longest); all of them have one lock.
//
// The catalogue knows what is announced, archived, failed and due; the queue is
// only a clock. A Handle that ends with an outcome – archived or failed –
// returns nil; its error means that our own infrastructure failed. The Planner
// asks the catalogue what is due and puts it into the queue, in order of expiry
// and a window at a time, so that a queue that lost everything is full again
// within seconds, and what expires first goes first in any backlog.
//
// What bounds a download, in the order in which a recording meets it; each bound has its
// reason where it is, and internal/README.md has them in a table:
//
//   - the planner's window: rows that are turned into jobs at a time (planner.go)
//   - the depth of the queue, from which on announcements are left to the planner (submit.go)
//   - jobs at once, most of which wait for an answer of ours (package queue)
//   - the catalogue's reads, of many jobs together (package warehouse)
//   - downloads at once, urgent ones first (slots.go)
//   - requests at once and a second to one server, memory, bytes a second (package fetch)
//   - sidecars written at once (slots.go, store.go)
//   - the catalogue's writes, of many jobs together (package warehouse)
package archive

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
	"fonoteka/internal/queue"
)

// Catalogue is where recordings stand. The warehouse implements it.
type Catalogue interface {
	// Save writes a row, unless one of a higher Version is there, and adds steps
	// to the chain of custody. When it returns nil both are durable.
	Save(ctx context.Context, row call.RecordingStatus, steps ...call.Custody) error
	// Recording reads of a row what a try goes by: the recording, state and tries,
	// the server's denial, and what is kept in quarantine; false if there is none. It
	// is asked once per job, by all jobs at once.
	Recording(ctx context.Context, integration, id string) (call.RecordingStatus, bool, error)
	// Whole reads all of a row. It is asked where a recording that is archived is
	// fetched again.
	Whole(ctx context.Context, integration, id string) (call.RecordingStatus, bool, error)
}

// Store holds the objects; *blob.Bucket is one.
type Store interface {
	bucket.Store
	Get(ctx context.Context, key string) (io.ReadCloser, blob.Object, error)
	// LockNow is what an object is locked by that is put under the key now; Lock reads
	// what one is locked by.
	LockNow(key string) blob.Lock
	Lock(ctx context.Context, key, version string) (blob.Lock, error)
}

// Queue takes jobs; *queue.Client is one.
type Queue interface {
	Enqueue(ctx context.Context, job queue.Job, o queue.Options) error
}

// Options of an Archiver. All but Refresh, Parallel, TalkOf, Registerer and Now are required.
type Options struct {
	Catalogue Catalogue
	Store     Store
	Bucket    string // its name, for the row
	Queue     Queue
	Fetcher   *fetch.Fetcher
	// Refresh asks for a fresh login after a server answered 401, before the
	// next try. nil: there is none.
	Refresh func(ctx context.Context, integration, host string) error
	// Parallel bounds how many jobs download and store at once, and how many write
	// their sidecars; 0: all that are handled. It may be many times smaller than
	// the number of jobs handled at once: the others wait for the catalogue, in groups.
	Parallel int
	// TalkOf returns how long the parties of a recording's call talked, as its CDR says
	// by now. It is asked once per archived file, and never holds one up for long. nil:
	// not compared.
	TalkOf func(ctx context.Context, integration string, groupID uint64) (talk time.Duration, known bool, err error)

	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time // default time.Now
}

func (o *Options) validate() error {
	if o.Catalogue == nil || o.Store == nil || o.Bucket == "" || o.Queue == nil || o.Fetcher == nil || o.Log == nil {
		return errors.New("archive: catalogue, store, bucket, queue, fetcher and log are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Archiver does jobs. It keeps nothing between them; any number of them, in any
// number of processes, may work on the same recordings.
type Archiver struct {
	opts      Options
	pairs     bucket.Pairs
	m         *metrics
	outage    *outage
	downloads *slots // nil: no limit
	sidecars  *slots // likewise
}

// New makes an Archiver.
func New(o Options) (*Archiver, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	open := func(ctx context.Context, key string) (io.ReadCloser, error) {
		r, _, err := o.Store.Get(ctx, key)
		return r, err
	}
	a := &Archiver{opts: o, pairs: bucket.Pairs{Store: o.Store, Open: open}, m: newMetrics(o.Registerer), outage: newOutage(o)}
	if o.Parallel > 0 {
		a.downloads, a.sidecars = newSlots(o.Parallel), newSlots(o.Parallel)
	}
	return a, nil
}
