package catalogue

import (
	"context"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// Writer saves rows of the catalogue for many callers at once: one archived file is
// one row, and a row that comes alone is written at once. See warehouse.Batcher.
type Writer struct{ batches *warehouse.Batcher[save] }

type save struct {
	row   call.RecordingStatus
	steps []call.Custody
}

// NewWriter makes a writer. It works while its Run does.
func (db *DB) NewWriter() *Writer {
	return &Writer{warehouse.NewBatcher(db.DB, db.writeBatch)}
}

// Save returns nil when the row and its steps of custody are on disk. After an
// error they may or may not be; saving them again is right. While Run has not
// begun, Save waits.
func (w *Writer) Save(ctx context.Context, row call.RecordingStatus, steps ...call.Custody) error {
	return w.batches.Write(ctx, save{row, steps})
}

// Run writes until ctx ends, and returns nil when the last batch it took is
// answered. That batch has warehouse.InsertTimeout of its own. Run may be called once.
func (w *Writer) Run(ctx context.Context) error { return w.batches.Run(ctx) }

func (db *DB) writeBatch(ctx context.Context, batch []save) error {
	var rows []call.RecordingStatus
	var steps []call.Custody
	for _, s := range batch {
		rows = append(rows, s.row)
		steps = append(steps, s.steps...)
	}
	// The steps first: a row that says "archived" has its history.
	return db.Do(ctx, "write batch", warehouse.InsertTimeout, func(ctx context.Context) error {
		if err := db.insertCustody(ctx, steps); err != nil {
			return err
		}
		return db.insertRecordings(ctx, rows)
	})
}
