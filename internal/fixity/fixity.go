// Package fixity proves that what is archived is still there and still the
// same. It reads stored recordings again and compares them with the catalogue
// and with their sidecars, writes every check into the chain of custody, and
// makes the catalogue say what it found. It also rebuilds the catalogue from
// the objects, and lists what is on one side only.
//
// What the catalogue says is locked is compared with the store as well, and locked
// anew: a copy of the embedded store without its extended attributes has every byte
// and no lock. Both happen at every check, and at the start of a program for all
// recordings (Locks), since a folder may have been copied while it was stopped.
//
// Of a recording of which several different files are kept each is checked, and all share
// the firmest lock that one of them has. The longest is the recording (bucket.Longest): the
// row names it, and a catalogue that is rebuilt from the bucket does.
//
// Nothing here deletes or overwrites an archived object. A recording that is
// found altered or absent keeps its row: state and digest stay, its fault says
// what is wrong. The finding counts as one of the recording's attempts, because
// of two rows of one state the one with more attempts holds; a state of its own
// was rejected, as every reader would have to know that it means "archived, but".
// The fault goes when a later check finds the right bytes – after a restore
// from a backup, for example – or when a good copy was found or fetched again
// and stored beside.
//
// Files are of any format that package audio knows. A sidecar names its object by key:
// of two first files of different formats, one has its sidecar at {id}.json and the
// other where a file beside has it.
//
// The digest is computed from the bytes that the store gives back. Comparing
// the store's own checksum was rejected: it is a note of what was once written.
// golang.org/x/time/rate bounds the bytes per second, since a check of
// everything must not be felt by those who listen to recordings.
package fixity

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/run"
)

// Query chooses among recordings of a state; another field that is zero chooses all.
type Query struct {
	State                     call.RecordingState // "": archived
	AfterIntegration, AfterID string              // only keys behind this one
	Since                     time.Time           // archived at or after
	Share                     float64             // 0 < Share < 1: about this part of them, chosen by Seed
	Seed                      uint64
	Faulty                    bool      // only those known to be wrong
	LockedAfter               time.Time // only those that the store was told to keep beyond it
}

func (q Query) after(r call.RecordingStatus) Query {
	q.AfterIntegration, q.AfterID = r.Integration, r.ID
	return q
}

// Rows reads the catalogue.
type Rows interface {
	// Archived lists recordings in a fixed order, at most limit.
	Archived(ctx context.Context, q Query, limit int) ([]call.RecordingStatus, error)
	Count(ctx context.Context, q Query) (recordings, bytes uint64, err error)
	// ByID reads rows of any state; an id may be there once per integration.
	ByID(ctx context.Context, ids []string) ([]call.RecordingStatus, error)
}

// Custody adds to the chain of custody and to the catalogue, and knows when a
// recording last went through one of several steps.
type Custody interface {
	// Save is durable when it returns nil. A row of a lower version changes nothing.
	Save(ctx context.Context, rows []call.RecordingStatus, steps []call.Custody) error
	// LastStep gives the times in the order of rows; the zero time: never.
	LastStep(ctx context.Context, rows []call.RecordingStatus, steps ...string) ([]time.Time, error)
}

// Store holds the objects; *blob.Bucket is one.
type Store interface {
	bucket.Store
	// GetRange, unlike Get, gives bytes that are not what was stored as they are.
	GetRange(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Object, error)
	Ping(ctx context.Context) error
	// LockNow is what an object is locked by that is put under the key now. Lock reads
	// what one is locked by. LockAnew makes sure that one is locked so, or more firmly.
	LockNow(key string) blob.Lock
	Lock(ctx context.Context, key, version string) (blob.Lock, error)
	LockAnew(ctx context.Context, key string, want blob.Lock) (missed bool, err error)
}

// Options of a Checker. Rows, Custody, Store and Bucket are required.
type Options struct {
	Rows    Rows
	Custody Custody
	Store   Store
	Bucket  string // its name, for rebuilt rows

	BytesPerSecond int64 // read at most; 0: as fast as it goes
	Parallel       int   // objects read at once; default 1

	Log        *slog.Logger // nil: none
	Registerer prometheus.Registerer
	Now        func() time.Time // default time.Now
}

func (o *Options) validate() error {
	if o.Rows == nil || o.Custody == nil || o.Store == nil || o.Bucket == "" {
		return errors.New("fixity: rows, custody, store and bucket are required")
	}
	if o.BytesPerSecond < 0 {
		return errors.New("fixity: a rate below zero")
	}
	if o.Parallel <= 0 {
		o.Parallel = 1
	}
	o.Log = run.Log(o.Log)
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Checker checks. It keeps nothing between checks, but what custody could not take;
// several may work at once.
type Checker struct {
	opts        Options
	limit       *rate.Limiter
	pairs       bucket.Pairs // read no faster than allowed
	unthrottled bucket.Pairs
	m           *metrics

	mu      sync.Mutex
	unsaved []call.Custody // of locks that were set anew, which no later check would find
}

// New makes a Checker.
func New(o Options) (*Checker, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	c := &Checker{opts: o, m: newMetrics(o.Registerer)}
	if o.BytesPerSecond > 0 {
		c.limit = rate.NewLimiter(rate.Limit(o.BytesPerSecond), chunk)
	}
	c.unthrottled = bucket.Pairs{Store: o.Store, Open: c.open}
	c.pairs = bucket.Pairs{Store: o.Store, Open: func(ctx context.Context, key string) (io.ReadCloser, error) {
		r, err := c.open(ctx, key)
		if err != nil {
			return nil, err
		}
		return throttledObject{c.throttled(ctx, r), r}, nil
	}}
	return c, nil
}

// chunk is how much is read at once, where a rate bounds it.
const chunk = 64 << 10

// Result of a check; also the name of its step in the chain of custody.
type Result string

// The results.
const (
	Verified   Result = "verified"              // recording, sidecar and what is kept beside them are as archived
	Altered    Result = Result(call.Altered)    // one of them is another
	Absent     Result = Result(call.Absent)     // one of them is not there
	Unreadable Result = Result(call.Unreadable) // the store answers, but does not give one of them back
)

// Faulty tells what is known to be wrong with an archived recording; "" where
// nothing is.
func Faulty(s call.RecordingStatus) Result {
	if s.State != call.Archived {
		return ""
	}
	return Result(s.Fault.Kind)
}
