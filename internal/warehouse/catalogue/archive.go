package catalogue

import (
	"context"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// Archive is the catalogue as package archive asks it: rows are read and written for
// many jobs together. It does not wait long, and hardly at all once the warehouse is
// known to be away: recordings go on to the bucket, and their rows follow.
type Archive struct {
	db     *DB
	writer *Writer
	reader *Reader
	ready  func() error
}

// NewArchive makes one; ready says why the tables are not up to date, and is asked
// first each time. Rows are saved while Run does.
func (db *DB) NewArchive(ready func() error) *Archive {
	return &Archive{db: db, writer: db.NewWriter(), reader: db.NewReader(), ready: ready}
}

// Run is the Writer's.
func (a *Archive) Run(ctx context.Context) error { return a.writer.Run(ctx) }

// Recording reads of a row what a try goes by: Reader.Recording.
func (a *Archive) Recording(ctx context.Context, integration, id string) (row call.RecordingStatus, known bool, err error) {
	err = a.within(ctx, 5*time.Second, 500*time.Millisecond, func(ctx context.Context) (err error) {
		row, known, err = a.reader.Recording(ctx, integration, id)
		return err
	})
	return row, known, err
}

// Whole reads all of a row.
func (a *Archive) Whole(ctx context.Context, integration, id string) (row call.RecordingStatus, known bool, err error) {
	err = a.within(ctx, 5*time.Second, 500*time.Millisecond, func(ctx context.Context) (err error) {
		row, known, err = a.db.Recording(ctx, integration, id)
		return err
	})
	return row, known, err
}

// Talk is what the CDR of a recording's call says by now: Reader.Talk.
func (a *Archive) Talk(ctx context.Context, integration string, groupID uint64) (length time.Duration, known bool, err error) {
	err = a.within(ctx, 2*time.Second, 100*time.Millisecond, func(ctx context.Context) (err error) {
		length, known, err = a.reader.Talk(ctx, integration, groupID)
		return err
	})
	return length, known, err
}

// Save writes a row and adds steps to its chain of custody: Writer.Save.
func (a *Archive) Save(ctx context.Context, row call.RecordingStatus, steps ...call.Custody) error {
	return a.within(ctx, warehouse.InsertTimeout, time.Second, func(ctx context.Context) error {
		return a.writer.Save(ctx, row, steps...)
	})
}

// within bounds an operation, more tightly where the last one has failed.
func (a *Archive) within(ctx context.Context, healthy, away time.Duration, f func(context.Context) error) error {
	if err := a.ready(); err != nil {
		return err
	}
	if failures, _ := a.db.Health(); failures > 0 {
		healthy = away
	}
	ctx, cancel := context.WithTimeout(ctx, healthy)
	defer cancel()
	return f(ctx)
}
