package warehouse

import (
	"context"
	"errors"
	"time"

	"fonoteka/internal/call"
)

// ErrWriterStopped tells that the writer takes nothing more: its Run has ended.
var ErrWriterStopped = errors.New("warehouse: writer stopped")

const (
	maxBatch  = 256                    // recordings of one insert; with so many it waits no longer
	writePace = 500 * time.Millisecond // how often rows are written for many
)

// Writer saves rows of the catalogue for many callers at once. One archived
// file is one row, and one durable insert of one row takes as long as one of a
// thousand; so what comes while an insert runs, and for up to half a second
// after that, goes together into the next, up to maxBatch. A row that comes alone
// is written at once.
type Writer struct {
	db      *DB
	pace    pace // only Run uses it
	queue   chan save
	stopped chan struct{}
}

type save struct {
	status  call.RecordingStatus
	custody []call.Custody
	done    chan error // holds one
}

// NewWriter makes a writer. It works while its Run does.
func (db *DB) NewWriter() *Writer {
	return &Writer{db: db, queue: make(chan save), stopped: make(chan struct{})}
}

// Save returns nil when the row and its steps of custody are on disk. After an
// error they may or may not be; saving them again is right. While Run has not
// begun, Save waits.
func (w *Writer) Save(ctx context.Context, s call.RecordingStatus, custody ...call.Custody) error {
	item := save{s, custody, make(chan error, 1)}
	select {
	case w.queue <- item:
	case <-w.stopped:
		return ErrWriterStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-item.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run writes until ctx ends, and returns nil when the last batch it took is
// answered. That batch has InsertTimeout of its own. Run may be called once.
func (w *Writer) Run(ctx context.Context) error {
	defer close(w.stopped)
	for {
		select {
		case <-ctx.Done():
			return nil
		case first := <-w.queue:
			batch := w.gather(ctx, first)
			w.pace.begin(len(batch))
			w.flush(context.WithoutCancel(ctx), batch)
		}
	}
}

// gather takes what waits at this moment, and what comes until the next batch
// may be written.
func (w *Writer) gather(ctx context.Context, first save) []save {
	batch := []save{first}
	at, patience := w.pace.due(time.Now(), writePace)
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	alone := time.NewTimer(patience)
	defer alone.Stop()
	for due := false; len(batch) < maxBatch; {
		if due {
			select {
			case s := <-w.queue:
				batch = append(batch, s)
				continue
			default:
				return batch
			}
		}
		select {
		case s := <-w.queue:
			batch = append(batch, s)
			alone.Reset(patience)
		case <-timer.C:
			due = true
		case <-alone.C:
			due = true
		case <-ctx.Done():
			due = true
		}
	}
	return batch
}

// flush writes a batch and answers each caller. A batch that the server refuses
// for good is written row by row, so that only the guilty caller hears of it.
func (w *Writer) flush(ctx context.Context, batch []save) {
	err := w.write(ctx, batch)
	if err != nil && len(batch) > 1 && IsRefusal(err) {
		for _, s := range batch {
			s.done <- w.write(ctx, []save{s})
		}
		return
	}
	for _, s := range batch {
		s.done <- err
	}
}

func (w *Writer) write(ctx context.Context, batch []save) error {
	w.db.metrics.batch.Observe(float64(len(batch)))
	var rows []call.RecordingStatus
	var custody []call.Custody
	for _, s := range batch {
		rows = append(rows, s.status)
		custody = append(custody, s.custody...)
	}
	// The steps first: a row that says "archived" has its history.
	return w.db.do(ctx, "write batch", InsertTimeout, func(ctx context.Context) error {
		if err := w.db.insertCustody(ctx, custody); err != nil {
			return err
		}
		return w.db.insertRecordings(ctx, rows)
	})
}
