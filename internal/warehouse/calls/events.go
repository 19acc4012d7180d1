package calls

import (
	"context"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// firstWinsBase makes a number that grows as a receive time falls; it is good
// until 2286. The view of received_at in the schema holds the same number.
const firstWinsBase = 9_999_999_999_999

func firstWins(t time.Time) uint64 {
	return uint64(max(firstWinsBase-warehouse.ClampTime(t).UnixMilli(), 0))
}

// InsertEvents stores deliveries. When it returns nil they are on disk, their
// calls are in the deriver's feed, and of several deliveries of one event –
// now, before or later – the earliest receive time is the one that shows.
func (db *DB) InsertEvents(ctx context.Context, events []call.Notification) error {
	return db.Do(ctx, "insert events", warehouse.InsertTimeout, func(ctx context.Context) error {
		return db.Insert(ctx, "events", "integration, group_id, event_id, first_wins, kind, state, body", len(events),
			func(b warehouse.Batch) error { return fillEvents(b, events) })
	})
}

// fillEvents sends whole columns: three times as fast as row by row.
func fillEvents(b warehouse.Batch, events []call.Notification) error {
	n := len(events)
	integration, kind, state := make([]string, n), make([]string, n), make([]string, n)
	groupID, eventID, wins := make([]uint64, n), make([]uint64, n), make([]uint64, n)
	body := make([][]byte, n)
	for i, e := range events {
		integration[i], kind[i], state[i], body[i] = e.Integration, string(e.Kind), e.State, e.Body
		groupID[i], eventID[i], wins[i] = e.GroupID, e.EventID, firstWins(e.ReceivedAt)
	}
	for i, col := range []any{integration, groupID, eventID, wins, kind, state, body} {
		if err := b.Column(i).Append(col); err != nil {
			return err
		}
	}
	return nil
}
