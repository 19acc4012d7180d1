package seed

import (
	"context"
	"fmt"
	"time"

	"fonoteka/internal/sim"
)

// month fills the tables with the calls of some days.
func (s *seeder) month(ctx context.Context, days []int) error {
	w, ok := s.writers.Get().(*writer) // its buffers have grown
	if !ok {
		w = newWriter(s)
	}
	for _, d := range days {
		if err := s.history.Day(d, func(c *sim.HistoryCall) error { return w.write(ctx, c) }); err != nil {
			return fmt.Errorf("seed: %s: %w", s.history.Date(d).Format(time.DateOnly), err)
		}
		if err := ctx.Err(); err != nil {
			return err // another month has failed
		}
	}
	for _, k := range w.sinks {
		if err := k.send(ctx); err != nil {
			return err
		}
	}
	s.writers.Put(w)
	return nil
}

// writer makes rows of calls.
type writer struct {
	s       *seeder
	scratch []byte // of ids
	sinks   []*sink

	events     *eventColumns
	keys       *keyColumns
	legs       *legColumns
	clients    *clientColumns
	recordings *recordingColumns
	calls      *callColumns
}

func newWriter(s *seeder) *writer {
	w := &writer{
		s: s, scratch: make([]byte, 0, 256), events: newEventColumns(), keys: newKeyColumns(), legs: newLegColumns(),
		clients: newClientColumns(), recordings: newRecordingColumns(), calls: newCallColumns(),
	}
	for i, c := range w.all() {
		w.sinks = append(w.sinks, s.newSink(tables[i], c, &s.count[i]))
	}
	return w
}

// all are the columns of the tables, in their order.
func (w *writer) all() [len(tables)]*columns {
	return [...]*columns{
		&w.events.columns, &w.keys.columns, &w.legs.columns, &w.clients.columns, &w.recordings.columns, &w.calls.columns,
	}
}

func (w *writer) write(ctx context.Context, c *sim.HistoryCall) error {
	if id := w.id("call", w.s.o.Integration, c.PlatformID); w.s.posted(id) {
		return w.s.poster.take(ctx, c)
	}
	w.rows(c)
	for _, k := range w.sinks {
		if err := k.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}
