package warehouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/call"
)

// CallKey names the group of notifications that a call's record comes from:
// all that bear one base id.
type CallKey struct {
	Integration string
	GroupID     uint64 // EventRow.CallID, call.Record.GroupID
}

// StoredEvent is one distinct notification of a call.
type StoredEvent struct {
	ID         uint64
	ReceivedAt time.Time // the earliest, whole milliseconds, UTC
	Body       []byte
}

// MaxHeld bounds the bodies of notifications that are read to be held together, bytes.
// A thousand calls have some 3 MB of them; a single one that has more is nothing of
// the operator's.
const MaxHeld = 16 << 20

// ErrTooMuch tells that the notifications asked for have more than MaxHeld bytes. Those
// of fewer calls may have less.
var ErrTooMuch = fmt.Errorf("the notifications of these calls have more than %d MiB", MaxHeld>>20)

// EventsOf reads calls whole: each distinct notification once, by event id. A
// key without events is not in the result. The error wraps ErrTooMuch where all the
// bodies have more than MaxHeld bytes; that says nothing against the server.
//
// Neither order nor groups are asked of the server: it would gather all bodies for
// that, and send them in one block. So they come as they lie on disk, some megabytes
// at a time, and no more of them after MaxHeld.
func (db *DB) EventsOf(ctx context.Context, keys []CallKey) (map[CallKey][]StoredEvent, error) {
	c := collected{events: make(map[CallKey][]StoredEvent, len(keys)), at: map[eventKey]int{}}
	if len(keys) == 0 {
		return c.events, nil
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	err := db.do(ctx, "read events", readTimeout, func(ctx context.Context) error {
		ctx, err := withKeys(ctx, keys)
		if err != nil {
			return err
		}
		err = db.query(ctx, `
			SELECT integration, group_id, event_id, first_wins, body
			FROM events
			WHERE (integration, group_id) IN asked`, nil, func(r driver.Rows) error {
			var k eventKey
			var e StoredEvent
			var wins uint64
			if err := r.Scan(&k.Integration, &k.GroupID, &k.event, &wins, &e.Body); err != nil {
				return err
			}
			e.ID, e.ReceivedAt = k.event, received(wins)
			if c.add(k, e); c.bytes > MaxHeld {
				stop() // or the rest would be read, to be thrown away
				return ErrTooMuch
			}
			return nil
		})
		if c.bytes > MaxHeld {
			return nil // the server has done what it was asked for
		}
		return err
	})
	switch {
	case c.bytes > MaxHeld:
		return nil, fmt.Errorf("warehouse: read events: %w", ErrTooMuch)
	case err != nil:
		return nil, err
	}
	for _, events := range c.events {
		slices.SortFunc(events, func(a, b StoredEvent) int { return cmp.Compare(a.ID, b.ID) })
	}
	return c.events, nil
}

// eventKey names a notification.
type eventKey struct {
	CallKey
	event uint64
}

// collected are notifications, each once, with its earliest receive time.
type collected struct {
	events map[CallKey][]StoredEvent
	at     map[eventKey]int // where it lies in its call's events
	bytes  int              // of their bodies
}

func (c *collected) add(k eventKey, e StoredEvent) {
	if i, again := c.at[k]; again { // not merged yet
		if of := c.events[k.CallKey]; e.ReceivedAt.Before(of[i].ReceivedAt) {
			of[i].ReceivedAt = e.ReceivedAt
		}
		return
	}
	c.at[k] = len(c.events[k.CallKey])
	c.events[k.CallKey] = append(c.events[k.CallKey], e)
	c.bytes += len(e.Body)
}

// received is the receive time that a number of firstWins stands for.
func received(wins uint64) time.Time { return time.UnixMilli(firstWinsBase - int64(wins)).UTC() }

// usualBody is far above what a notification of the operator's has, bytes. What streams
// through a table reads longer bodies one by one: a block of 4,096 rows is in memory
// twice, here and in the server.
const usualBody = 16 << 10

// bodyUpTo reads a body that is not longer than usualBody, and else "" with its length.
var bodyUpTo = fmt.Sprintf("if(length(body) <= %d, body, '')", usualBody)

// bodyOf reads the body of one notification.
func (db *DB) bodyOf(ctx context.Context, k eventKey) (body []byte, err error) {
	err = db.do(ctx, "read a long event", readTimeout, func(ctx context.Context) error {
		found := false
		// Ids are written out, since the driver binds no number that high.
		err := db.query(ctx, fmt.Sprintf("SELECT body FROM events WHERE integration = ? AND group_id = %d AND event_id = %d LIMIT 1", k.GroupID, k.event),
			[]any{k.Integration}, func(r driver.Rows) error {
				found = true
				return r.Scan(&body)
			})
		if err == nil && !found {
			err = errors.New("it is gone")
		}
		return err
	})
	return body, err
}

// EachAnnouncement reads the notifications that a recording is ready, and all others
// that may hold a link: whose body has the word record, as in urlRecord. Each distinct
// one is read once with its earliest receive time, those of a call together. It goes
// through the table once, in its order. An error of each ends it.
func (db *DB) EachAnnouncement(ctx context.Context, each func(EventRow) error) error {
	return db.do(ctx, "stream announcements", streamTimeout, func(ctx context.Context) error {
		ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
			"optimize_aggregation_in_order": 1, "max_threads": 1, "max_block_size": 4096,
		}))
		return db.query(ctx, `
			SELECT integration, group_id, event_id, any(kind), any(state), max(first_wins), any(length(body)), any(`+bodyUpTo+`)
			FROM events
			WHERE state = ? OR positionCaseInsensitive(body, 'record') > 0
			GROUP BY integration, group_id, event_id
			ORDER BY integration, group_id, event_id`, []any{string(call.Recorded)}, func(r driver.Rows) error {
			var e EventRow
			var kind string
			var wins, size uint64
			err := r.Scan(&e.Integration, &e.GroupID, &e.EventID, &kind, &e.State, &wins, &size, &e.Body)
			e.Kind = call.Kind(kind)
			if err == nil && size > usualBody {
				e.Body, err = db.bodyOf(ctx, eventKey{CallKey{e.Integration, e.GroupID}, e.EventID})
			}
			if err != nil {
				return err
			}
			e.ReceivedAt = received(wins)
			return each(e)
		})
	})
}

func withKeys(ctx context.Context, keys []CallKey) (context.Context, error) {
	return withTable(ctx, "asked", []field{{"integration", "String"}, {"group_id", "UInt64"}}, len(keys),
		func(i int) []any { return []any{keys[i].Integration, keys[i].GroupID} })
}
