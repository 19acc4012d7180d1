package warehouse

import (
	"context"
	"errors"
	"time"
)

// ErrWriterStopped tells that a Batcher takes nothing more: its Run has ended.
var ErrWriterStopped = errors.New("warehouse: writer stopped")

const (
	maxBatch      = 256                    // callers of one round; with so many it waits no longer
	writeInterval = 500 * time.Millisecond // how often rows are written for several callers
)

// Batcher writes for many callers at once (a group commit): one durable insert of one
// row takes as long as one of a thousand. So what comes while an insert runs, and for
// up to half a second after that, goes together into the next, up to maxBatch. What
// comes alone is written at once.
type Batcher[T any] struct {
	db       *DB
	write    func(context.Context, []T) error
	interval flushInterval // only Run uses it
	queue    chan pending[T]
	stopped  chan struct{}
}

type pending[T any] struct {
	item T
	done chan error // holds one
}

// NewBatcher makes a batcher; write must have a deadline of its own. It works while
// its Run does.
func NewBatcher[T any](db *DB, write func(context.Context, []T) error) *Batcher[T] {
	return &Batcher[T]{db: db, write: write, queue: make(chan pending[T]), stopped: make(chan struct{})}
}

// Write returns nil when the item is on disk. After an error it may or may not be;
// writing it again is right. While Run has not begun, Write waits.
func (b *Batcher[T]) Write(ctx context.Context, item T) error {
	p := pending[T]{item, make(chan error, 1)}
	select {
	case b.queue <- p:
	case <-b.stopped:
		return ErrWriterStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run writes until ctx ends, and returns nil when the last batch it took is
// answered. That batch has its own deadline. Run may be called once.
func (b *Batcher[T]) Run(ctx context.Context) error {
	defer close(b.stopped)
	for {
		select {
		case <-ctx.Done():
			return nil
		case first := <-b.queue:
			batch := b.gather(ctx, first)
			b.interval.flushed(len(batch))
			b.flush(context.WithoutCancel(ctx), batch)
		}
	}
}

// gather takes what waits at this moment, and what comes until the next batch
// may be written.
func (b *Batcher[T]) gather(ctx context.Context, first pending[T]) []pending[T] {
	batch := []pending[T]{first}
	at, idle := b.interval.next(time.Now(), writeInterval)
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	alone := time.NewTimer(idle)
	defer alone.Stop()
	for due := false; len(batch) < maxBatch; {
		if due {
			select {
			case p := <-b.queue:
				batch = append(batch, p)
				continue
			default:
				return batch
			}
		}
		select {
		case p := <-b.queue:
			batch = append(batch, p)
			alone.Reset(idle)
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
// for good is written item by item, so that only the guilty caller hears of it.
func (b *Batcher[T]) flush(ctx context.Context, batch []pending[T]) {
	items := make([]T, len(batch))
	for i, p := range batch {
		items[i] = p.item
	}
	err := b.writeAll(ctx, items)
	if err != nil && len(batch) > 1 && IsRefusal(err) {
		for i, p := range batch {
			p.done <- b.writeAll(ctx, items[i:i+1])
		}
		return
	}
	for _, p := range batch {
		p.done <- err
	}
}

func (b *Batcher[T]) writeAll(ctx context.Context, items []T) error {
	b.db.metrics.batch.Observe(float64(len(items)))
	return b.write(ctx, items)
}
