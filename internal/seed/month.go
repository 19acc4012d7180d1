package seed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fonoteka/internal/sim"
)

// month fills the tables with the calls of some days, by one INSERT for each
// table.
func (s *seeder) month(ctx context.Context, days []int) error {
	if err := ctx.Err(); err != nil {
		return err // another month has failed
	}
	w := newWriter(s)
	var err error
	for i, c := range w.all() {
		w.streams = append(w.streams, s.insert(ctx, tables[i], c, &s.count[i]))
	}
	for _, d := range days {
		if err = s.history.Day(d, func(c *sim.HistoryCall) error { return w.write(ctx, c) }); err != nil {
			err = fmt.Errorf("seed: %s: %w", s.history.Date(d).Format(time.DateOnly), err)
			break
		}
	}
	for _, st := range w.streams {
		err = errors.Join(err, st.close(err))
	}
	return err
}

// writer makes rows of calls.
type writer struct {
	s       *seeder
	scratch []byte // of ids
	streams []*stream

	events     *eventColumns
	keys       *keyColumns
	legs       *legColumns
	clients    *clientColumns
	recordings *recordingColumns
	calls      *callColumns
}

func newWriter(s *seeder) *writer {
	return &writer{
		s: s, scratch: make([]byte, 0, 256), events: newEventColumns(), keys: newKeyColumns(), legs: newLegColumns(),
		clients: newClientColumns(), recordings: newRecordingColumns(), calls: newCallColumns(),
	}
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
	for _, st := range w.streams {
		if err := st.flush(blockRows); err != nil {
			return err
		}
	}
	return nil
}
