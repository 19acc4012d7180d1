package daemon

import (
	"context"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// catalogue is the archive's view of the warehouse: rows are read at once and
// written in groups. It is away until the tables are up to date. It does not wait
// long, and hardly at all once the warehouse is known to be away: recordings go
// on to the bucket, and their rows follow.
type catalogue struct {
	writer *warehouse.Writer
	reader *warehouse.Reader
	db     *warehouse.DB
	tables func() error // why they are not up to date
}

func (c catalogue) Recording(ctx context.Context, integration, id string) (row call.RecordingStatus, known bool, err error) {
	err = c.within(ctx, 5*time.Second, 500*time.Millisecond, func(ctx context.Context) (err error) {
		row, known, err = c.reader.Recording(ctx, integration, id)
		return err
	})
	return row, known, err
}

func (c catalogue) Whole(ctx context.Context, integration, id string) (row call.RecordingStatus, known bool, err error) {
	err = c.within(ctx, 5*time.Second, 500*time.Millisecond, func(ctx context.Context) (err error) {
		row, known, err = c.db.Recording(ctx, integration, id)
		return err
	})
	return row, known, err
}

// talk is what the CDR of a recording's call says by now.
func (c catalogue) talk(ctx context.Context, integration string, groupID uint64) (length time.Duration, known bool, err error) {
	err = c.within(ctx, 2*time.Second, 100*time.Millisecond, func(ctx context.Context) (err error) {
		length, known, err = c.reader.Talk(ctx, integration, groupID)
		return err
	})
	return length, known, err
}

func (c catalogue) Save(ctx context.Context, row call.RecordingStatus, steps ...call.Custody) error {
	return c.within(ctx, warehouse.InsertTimeout, time.Second, func(ctx context.Context) error {
		return c.writer.Save(ctx, row, steps...)
	})
}

func (c catalogue) within(ctx context.Context, healthy, away time.Duration, f func(context.Context) error) error {
	if err := c.tables(); err != nil {
		return err
	}
	if failures, _ := c.db.Health(); failures > 0 {
		healthy = away
	}
	ctx, cancel := context.WithTimeout(ctx, healthy)
	defer cancel()
	return f(ctx)
}
