package calls

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse"
)

// EventsOf reads calls whole: each distinct notification once, by event id. A
// key without events is not in the result. The error wraps cdr.ErrTooMuch where all the
// bodies have more than cdr.MaxHeld bytes; that says nothing against the server.
//
// Neither order nor groups are asked of the server: it would gather all bodies for
// that, and send them in one block. So they come as they lie on disk, some megabytes
// at a time, and no more of them after cdr.MaxHeld.
func (db *DB) EventsOf(ctx context.Context, keys []call.GroupKey) (map[call.GroupKey][]cdr.StoredEvent, error) {
	c := collected{events: make(map[call.GroupKey][]cdr.StoredEvent, len(keys)), at: map[eventKey]int{}}
	if len(keys) == 0 {
		return c.events, nil
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	err := db.Do(ctx, "read events", warehouse.ReadTimeout, func(ctx context.Context) error {
		ctx, err := WithKeys(ctx, keys)
		if err != nil {
			return err
		}
		err = db.Query(ctx, `
			SELECT integration, group_id, event_id, first_wins, body
			FROM events
			WHERE (integration, group_id) IN asked`, nil, func(r warehouse.Rows) error {
			var k eventKey
			var e cdr.StoredEvent
			var wins uint64
			if err := r.Scan(&k.Integration, &k.GroupID, &k.event, &wins, &e.Body); err != nil {
				return err
			}
			e.ID, e.ReceivedAt = k.event, received(wins)
			if c.add(k, e); c.bytes > cdr.MaxHeld {
				stop() // or the rest would be read, to be thrown away
				return cdr.ErrTooMuch
			}
			return nil
		})
		if c.bytes > cdr.MaxHeld {
			return nil // the server has done what it was asked for
		}
		return err
	})
	switch {
	case c.bytes > cdr.MaxHeld:
		return nil, fmt.Errorf("warehouse: read events: %w", cdr.ErrTooMuch)
	case err != nil:
		return nil, err
	}
	for _, events := range c.events {
		slices.SortFunc(events, func(a, b cdr.StoredEvent) int { return cmp.Compare(a.ID, b.ID) })
	}
	return c.events, nil
}

// eventKey names a notification.
type eventKey struct {
	call.GroupKey
	event uint64
}

// collected are notifications, each once, with its earliest receive time.
type collected struct {
	events map[call.GroupKey][]cdr.StoredEvent
	at     map[eventKey]int // where it lies in its call's events
	bytes  int              // of their bodies
}

func (c *collected) add(k eventKey, e cdr.StoredEvent) {
	if i, again := c.at[k]; again { // not merged yet
		if of := c.events[k.GroupKey]; e.ReceivedAt.Before(of[i].ReceivedAt) {
			of[i].ReceivedAt = e.ReceivedAt
		}
		return
	}
	c.at[k] = len(c.events[k.GroupKey])
	c.events[k.GroupKey] = append(c.events[k.GroupKey], e)
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
	err = db.Do(ctx, "read a long event", warehouse.ReadTimeout, func(ctx context.Context) error {
		found := false
		// Ids are written out, since the driver binds no number that high.
		err := db.Query(ctx, fmt.Sprintf("SELECT body FROM events WHERE integration = ? AND group_id = %d AND event_id = %d LIMIT 1", k.GroupID, k.event),
			[]any{k.Integration}, func(r warehouse.Rows) error {
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
func (db *DB) EachAnnouncement(ctx context.Context, each func(call.Notification) error) error {
	return db.Do(ctx, "stream announcements", warehouse.StreamTimeout, func(ctx context.Context) error {
		ctx = warehouse.WithSettings(ctx, warehouse.Settings{
			"optimize_aggregation_in_order": 1, "max_threads": 1, "max_block_size": 4096,
		})
		return db.Query(ctx, `
			SELECT integration, group_id, event_id, any(kind), any(state), max(first_wins), any(length(body)), any(`+bodyUpTo+`)
			FROM events
			WHERE state = ? OR positionCaseInsensitive(body, 'record') > 0
			GROUP BY integration, group_id, event_id
			ORDER BY integration, group_id, event_id`, []any{string(call.Recorded)}, func(r warehouse.Rows) error {
			var e call.Notification
			var kind string
			var wins, size uint64
			err := r.Scan(&e.Integration, &e.GroupID, &e.EventID, &kind, &e.State, &wins, &size, &e.Body)
			e.Kind = call.Kind(kind)
			if err == nil && size > usualBody {
				e.Body, err = db.bodyOf(ctx, eventKey{call.GroupKey{Integration: e.Integration, GroupID: e.GroupID}, e.EventID})
			}
			if err != nil {
				return err
			}
			e.ReceivedAt = received(wins)
			return each(e)
		})
	})
}
