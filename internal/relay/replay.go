package relay

import (
	"context"
	"fmt"
	"time"

	"fonoteka/internal/spool"
	"fonoteka/internal/warehouse"
)

// Replayer puts rejected rows through the decoder again.
type Replayer interface {
	RejectedRows(ctx context.Context, f RejectedFilter) ([]Rejected, error)
	MarkReplayed(ctx context.Context, rows []Rejected, at time.Time) error
}

// ReplayRejected decodes all rejected rows again; those that can be read now become
// events and are marked as replayed. A row that is rejected again stays as it was. each
// is called with the progress.
func (w *ToWarehouse) ReplayRejected(ctx context.Context, from Replayer, each func(taken, rejected int)) error {
	taken, rejected := 0, 0
	for after := uint64(0); ; {
		page, err := from.RejectedRows(ctx, RejectedFilter{AfterID: after, Limit: 1000, MaxBytes: portionHeld})
		if err != nil {
			return fmt.Errorf("read rejected rows: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		after = page[len(page)-1].ID
		var readable []Rejected
		var batch []spool.Record
		for _, row := range page {
			rec := spool.Record{Integration: row.Integration, ReceivedAt: row.ReceivedAt, ContentType: row.ContentType, ContentEncoding: row.ContentEncoding, Body: row.Body}
			if w.Decode.open(rec).err != nil { // the inflated body is not kept
				rejected++
				continue
			}
			readable, batch = append(readable, row), append(batch, rec)
		}
		n, err := w.replayPage(ctx, from, readable, batch)
		if err != nil {
			return err
		}
		taken, rejected = taken+n, rejected+len(batch)-n
		each(taken, rejected)
	}
}

// replayPage returns how many of the rows the warehouse took; it still refuses the
// others.
func (w *ToWarehouse) replayPage(ctx context.Context, from Replayer, rows []Rejected, batch []spool.Record) (int, error) {
	if len(batch) == 0 {
		return 0, nil
	}
	n, err := w.Sink(ctx, batch)
	switch {
	case err == nil:
		if err := from.MarkReplayed(ctx, rows[:n], time.Now()); err != nil {
			return 0, fmt.Errorf("mark %d rows as replayed: %w", n, err)
		}
		more, err := w.replayPage(ctx, from, rows[n:], batch[n:])
		return n + more, err
	case !warehouse.IsRefusal(err):
		return 0, fmt.Errorf("replay %d rows: %w", len(rows), err)
	case len(batch) == 1:
		return 0, nil
	}
	half := len(batch) / 2
	n, err = w.replayPage(ctx, from, rows[:half], batch[:half])
	if err != nil {
		return n, err
	}
	m, err := w.replayPage(ctx, from, rows[half:], batch[half:])
	return n + m, err
}
