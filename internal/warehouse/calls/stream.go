package calls

import (
	"context"
	"fmt"
	"math"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse"
)

// within chooses by a column of a range's ids; the ids are written out, since
// the driver binds no number that high.
func within(r cdr.Range, column string) string {
	return fmt.Sprintf("integration = ? AND %s BETWEEN %d AND %d", column, r.From, r.To)
}

// EventCounts is how many events of calls are stored of each integration that
// has or had any, those counted twice that are not merged yet.
func (db *DB) EventCounts(ctx context.Context) (map[string]uint64, error) {
	out := map[string]uint64{}
	err := db.Do(ctx, "count events", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, `
			SELECT integration, sum(n)
			FROM (
				SELECT integration, count() AS n FROM events WHERE group_id != 0 GROUP BY integration
				UNION ALL
				SELECT DISTINCT integration, 0 FROM call_keys
			)
			GROUP BY integration`, nil, func(r warehouse.Rows) error {
			var integration string
			var n uint64
			err := r.Scan(&integration, &n)
			out[integration] = n
			return err
		})
	})
	return out, err
}

// EachCall reads the calls of a range whole, in order of their group id, as
// EventsOf does a few. It goes through the table once, in the order in which it
// lies on disk, and holds a block of it at a time. A call of more than cdr.MaxHeld bytes
// is given without its events. An error of each ends it.
func (db *DB) EachCall(ctx context.Context, in cdr.Range, each func(groupID uint64, events []cdr.StoredEvent) error) error {
	return db.Do(ctx, "stream events", warehouse.StreamTimeout, func(ctx context.Context) error {
		c := grouped{db: db, key: call.GroupKey{Integration: in.Integration}, each: each}
		streamed := warehouse.WithSettings(ctx, warehouse.Settings{
			"optimize_read_in_order": 1, "max_threads": 1, "max_block_size": 4096,
		})
		err := db.Query(streamed, `
			SELECT group_id, event_id, first_wins, length(body), `+bodyUpTo+`
			FROM events
			WHERE group_id != 0 AND `+within(in, "group_id")+`
			ORDER BY integration, group_id, event_id`, []any{in.Integration}, func(r warehouse.Rows) error {
			var of, wins, size uint64
			var e cdr.StoredEvent
			if err := r.Scan(&of, &e.ID, &wins, &size, &e.Body); err != nil {
				return err
			}
			e.ReceivedAt = received(wins)
			return c.add(ctx, of, e, int(size))
		})
		if err != nil {
			return err
		}
		return c.flush()
	})
}

// grouped gathers the events of one call after the other.
type grouped struct {
	db     *DB
	key    call.GroupKey
	events []cdr.StoredEvent
	bytes  int // of the bodies, held or not
	each   func(groupID uint64, events []cdr.StoredEvent) error
}

// add takes the next event; its body is missing where size is more than usual.
func (c *grouped) add(ctx context.Context, group uint64, e cdr.StoredEvent, size int) (err error) {
	if group != c.key.GroupID {
		if err := c.flush(); err != nil {
			return err
		}
		c.key.GroupID = group
	}
	if last := len(c.events) - 1; last >= 0 && c.events[last].ID == e.ID { // not merged yet
		if e.ReceivedAt.Before(c.events[last].ReceivedAt) {
			c.events[last].ReceivedAt = e.ReceivedAt
		}
		return nil
	}
	if c.bytes += size; c.bytes > cdr.MaxHeld {
		clear(c.events)
		c.events = c.events[:0]
		return nil
	}
	if size > usualBody {
		e.Body, err = c.db.bodyOf(ctx, eventKey{c.key, e.ID})
	}
	c.events = append(c.events, e)
	return err
}

func (c *grouped) flush() error {
	if len(c.events) == 0 && c.bytes <= cdr.MaxHeld {
		return nil
	}
	events := c.events
	if c.bytes > cdr.MaxHeld {
		events = nil
	}
	err := c.each(c.key.GroupID, events)
	clear(c.events)
	c.events, c.bytes = c.events[:0], 0
	return err
}

// GroupsBetween are the groups of calls of which a notification was received
// first from from (included) to to (not), in order; a zero time is no bound.
func (db *DB) GroupsBetween(ctx context.Context, from, to time.Time) ([]call.GroupKey, error) {
	low, high := uint64(0), uint64(math.MaxInt64)
	if !to.IsZero() {
		low = firstWins(to) + 1
	}
	if !from.IsZero() {
		high = firstWins(from)
	}
	return db.groups(ctx, fmt.Sprintf(`
		SELECT DISTINCT integration, group_id FROM events
		WHERE group_id != 0 AND first_wins BETWEEN %d AND %d ORDER BY integration, group_id`, low, high))
}

// GroupsOf are the groups of a call, given by our call id (decimal) or by the
// operator's, with or without its leg suffix, whether or not it has rows.
func (db *DB) GroupsOf(ctx context.Context, id string) ([]call.GroupKey, error) {
	var out []call.GroupKey
	err := db.Do(ctx, "look a call up", warehouse.ReadTimeout, func(ctx context.Context) error {
		var keys []call.GroupKey
		counts, err := db.EventCounts(ctx)
		if err != nil {
			return err
		}
		for integration := range counts {
			keys = append(keys, groupKeys(integration, id)...)
		}
		ctx, err = WithKeys(ctx, keys)
		if err != nil || len(keys) == 0 {
			return err
		}
		return db.Query(ctx, "SELECT DISTINCT integration, group_id FROM events WHERE (integration, group_id) IN asked", nil, func(r warehouse.Rows) error {
			var k call.GroupKey
			err := r.Scan(&k.Integration, &k.GroupID)
			out = append(out, k)
			return err
		})
	})
	if err != nil || len(out) > 0 {
		return out, err
	}
	// The second call under a Call-ID has an id that is not its group's.
	return db.groups(ctx, "SELECT DISTINCT integration, group_id FROM call_keys WHERE toString(call_id) = ?", id)
}

func (db *DB) groups(ctx context.Context, sql string, args ...any) ([]call.GroupKey, error) {
	var out []call.GroupKey
	err := db.Do(ctx, "list calls' groups", warehouse.StreamTimeout, func(ctx context.Context) error {
		return db.Query(ctx, sql, args, func(r warehouse.Rows) error {
			var k call.GroupKey
			err := r.Scan(&k.Integration, &k.GroupID)
			out = append(out, k)
			return err
		})
	})
	return out, err
}
