// Package bucket says what lies in the bucket, and how it is named: the keys of objects,
// the sidecar document beside each file, the pair of both, and the lock that they share.
// No other package makes a key; all others read it from a row or a sidecar, or ask here.
//
// A recording has these objects:
//
//	recordings/INTEGRATION/YYYY/MM/DD/ID.FORMAT            its first file
//	recordings/INTEGRATION/YYYY/MM/DD/ID.json              the sidecar that names it
//	recordings/INTEGRATION/YYYY/MM/DD/ID.DIGEST.FORMAT     another file, kept beside
//	recordings/INTEGRATION/YYYY/MM/DD/ID.DIGEST.json       the sidecar of that one
//	recordings/INTEGRATION/YYYY/MM/DD/ID.DIGEST.N.FORMAT   a copy of a file, N from 2 on
//	quarantine/INTEGRATION/ID/SHA256.FORMAT, .json         damaged audio and its sidecar
//
// The day is that of the link, "undated" where it names none; DIGEST are the first
// sixteen digits of the file's sha256. What comes before the first dot is the stem.
//
// The order is the contract: first the file, then its sidecar, each by a put that
// overwrites nothing. Of two workers whose files differ in format, each may find
// stem.FORMAT free. Then stem.json tells who was first, and the other's file has its
// sidecar where a file beside it would have it: a sidecar's Key names its object,
// whatever the sidecar's own key is.
//
// A sidecar is enough to write the row of its recording again. Damaged audio is stored
// without the configured retention: a server that sends other damage at every try would
// fill the bucket with what nobody can delete for years; what is kept is a hint for
// people, and its digest stays in the chain of custody. A legal hold can be laid on it.
package bucket

import (
	"context"
	"io"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
)

// Store holds the objects; *blob.Bucket is one.
type Store interface {
	// Put overwrites nothing.
	Put(ctx context.Context, key string, body io.ReaderAt, p blob.Put) error
	Stat(ctx context.Context, key string) (blob.Object, error)
	List(ctx context.Context, prefix string, each func(blob.Object) bool) error
	// ShareLock gives each of the objects what keeps one of them from being deleted.
	ShareLock(ctx context.Context, keys ...string) error
}

// Pairs are the files of recordings in a store, each with its sidecar.
type Pairs struct {
	Store Store
	// Open reads an object from its first byte.
	Open func(ctx context.Context, key string) (io.ReadCloser, error)
}

// RowLock is a store's lock as sidecar and row bear it.
func RowLock(l blob.Lock) call.Lock { return call.Lock{Mode: string(l.Mode), Until: l.Until} }

// StoreLock is a row's or sidecar's lock as a store takes it.
func StoreLock(l call.Lock) blob.Lock { return blob.Lock{Mode: blob.Mode(l.Mode), Until: l.Until} }
