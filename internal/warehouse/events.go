package warehouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/call"
)

// EventRow is one delivery of a notification.
type EventRow struct {
	Integration string
	GroupID     uint64 // call.Event.GroupID; 0: an event of no call
	EventID     uint64
	ReceivedAt  time.Time
	Kind        call.Kind
	State       string
	Body        []byte // as it came
}

// firstWinsBase makes a number that grows as a receive time falls; it is good
// until 2286. The view of received_at in the schema holds the same number.
const firstWinsBase = 9_999_999_999_999

func firstWins(t time.Time) uint64 {
	return uint64(max(firstWinsBase-clampTime(t).UnixMilli(), 0))
}

// InsertEvents stores deliveries. When it returns nil they are on disk, their
// calls are in the deriver's feed, and of several deliveries of one event –
// now, before or later – the earliest receive time is the one that shows.
func (db *DB) InsertEvents(ctx context.Context, events []EventRow) error {
	return db.do(ctx, "insert events", InsertTimeout, func(ctx context.Context) error {
		return db.insert(ctx, "events", "integration, group_id, event_id, first_wins, kind, state, body", len(events),
			func(b driver.Batch) error { return fillEvents(b, events) })
	})
}

// fillEvents sends whole columns: three times as fast as row by row.
func fillEvents(b driver.Batch, events []EventRow) error {
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

// CallKey names the group of notifications that a call's record comes from:
// all that bear one base id.
type CallKey struct {
	Integration string
	GroupID     uint64 // as in EventRow and call.Record
}

// StoredEvent is one distinct notification of a call.
type StoredEvent struct {
	ID         uint64
	ReceivedAt time.Time // the earliest, whole milliseconds, UTC
	Body       []byte
}

// EventsOf reads calls whole: each distinct notification once, by event id. A
// key without events is not in the result.
func (db *DB) EventsOf(ctx context.Context, keys []CallKey) (map[CallKey][]StoredEvent, error) {
	out := make(map[CallKey][]StoredEvent, len(keys))
	if len(keys) == 0 {
		return out, nil
	}
	err := db.do(ctx, "read events", readTimeout, func(ctx context.Context) error {
		ctx, err := withKeys(ctx, keys)
		if err != nil {
			return err
		}
		return db.query(ctx, `
			SELECT integration, group_id, event_id, max(first_wins), any(body)
			FROM events
			WHERE (integration, group_id) IN asked
			GROUP BY integration, group_id, event_id
			ORDER BY group_id, event_id`, nil, func(r driver.Rows) error {
			var k CallKey
			var e StoredEvent
			var wins uint64
			if err := r.Scan(&k.Integration, &k.GroupID, &e.ID, &wins, &e.Body); err != nil {
				return err
			}
			e.ReceivedAt = time.UnixMilli(firstWinsBase - int64(wins)).UTC()
			out[k] = append(out[k], e)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// EachAnnouncement reads the notifications that a recording is ready, each
// distinct one once with its earliest receive time, those of a call together. It
// goes through the table once, in its order. An error of each ends it.
func (db *DB) EachAnnouncement(ctx context.Context, each func(EventRow) error) error {
	return db.do(ctx, "stream announcements", streamTimeout, func(ctx context.Context) error {
		ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
			"optimize_aggregation_in_order": 1, "max_threads": 1, "max_block_size": 4096,
		}))
		return db.query(ctx, `
			SELECT integration, group_id, event_id, max(first_wins), any(body)
			FROM events
			WHERE kind = ? AND state = ?
			GROUP BY integration, group_id, event_id
			ORDER BY integration, group_id, event_id`, []any{string(call.KindCall), string(call.Recorded)}, func(r driver.Rows) error {
			e := EventRow{Kind: call.KindCall, State: string(call.Recorded)}
			var wins uint64
			if err := r.Scan(&e.Integration, &e.GroupID, &e.EventID, &wins, &e.Body); err != nil {
				return err
			}
			e.ReceivedAt = time.UnixMilli(firstWinsBase - int64(wins)).UTC()
			return each(e)
		})
	})
}

func withKeys(ctx context.Context, keys []CallKey) (context.Context, error) {
	return withTable(ctx, "asked", []field{{"integration", "String"}, {"group_id", "UInt64"}}, len(keys),
		func(i int) []any { return []any{keys[i].Integration, keys[i].GroupID} })
}
