package warehouse

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Range is a part of an integration's calls: those whose group id lies between
// From and To, both included. Group ids are hashes, so that equal parts hold
// about as many calls.
type Range struct {
	Integration string
	From, To    uint64
}

// where chooses by a column of the range's ids; the ids are written out, since
// the driver binds no number that high.
func (r Range) where(column string) string {
	return fmt.Sprintf("integration = ? AND %s BETWEEN %d AND %d", column, r.From, r.To)
}

// streamTimeout bounds the reading of a range: much longer than that of a few
// calls, and far from for ever.
const streamTimeout = 30 * time.Minute

// EventCounts is how many events of calls are stored of each integration that
// has or had any, those counted twice that are not merged yet.
func (db *DB) EventCounts(ctx context.Context) (map[string]uint64, error) {
	out := map[string]uint64{}
	err := db.do(ctx, "count events", readTimeout, func(ctx context.Context) error {
		return db.query(ctx, `
			SELECT integration, sum(n)
			FROM (
				SELECT integration, count() AS n FROM events WHERE group_id != 0 GROUP BY integration
				UNION ALL
				SELECT DISTINCT integration, 0 FROM call_keys
			)
			GROUP BY integration`, nil, func(r driver.Rows) error {
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
// lies on disk, and holds a block of it at a time. An error of each ends it.
func (db *DB) EachCall(ctx context.Context, in Range, each func(groupID uint64, events []StoredEvent) error) error {
	return db.do(ctx, "stream events", streamTimeout, func(ctx context.Context) error {
		ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
			"optimize_read_in_order": 1, "max_threads": 1, "max_block_size": 4096,
		}))
		var group uint64
		var events []StoredEvent
		flush := func() error {
			if len(events) == 0 {
				return nil
			}
			err := each(group, events)
			events = events[:0]
			return err
		}
		err := db.query(ctx, `
			SELECT group_id, event_id, first_wins, body
			FROM events
			WHERE group_id != 0 AND `+in.where("group_id")+`
			ORDER BY integration, group_id, event_id`, []any{in.Integration}, func(r driver.Rows) error {
			var of, wins uint64
			var e StoredEvent
			if err := r.Scan(&of, &e.ID, &wins, &e.Body); err != nil {
				return err
			}
			if of != group {
				if err := flush(); err != nil {
					return err
				}
				group = of
			}
			e.ReceivedAt = time.UnixMilli(firstWinsBase - int64(wins)).UTC()
			if last := len(events) - 1; last >= 0 && events[last].ID == e.ID { // not merged yet
				if e.ReceivedAt.Before(events[last].ReceivedAt) {
					events[last].ReceivedAt = e.ReceivedAt
				}
				return nil
			}
			events = append(events, e)
			return nil
		})
		if err != nil {
			return err
		}
		return flush()
	})
}

// GroupsBetween are the groups of calls of which a notification was received
// first from from (included) to to (not), in order; a zero time is no bound.
func (db *DB) GroupsBetween(ctx context.Context, from, to time.Time) ([]CallKey, error) {
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
func (db *DB) GroupsOf(ctx context.Context, id string) ([]CallKey, error) {
	var out []CallKey
	err := db.do(ctx, "look a call up", readTimeout, func(ctx context.Context) error {
		var keys []CallKey
		counts, err := db.EventCounts(ctx)
		if err != nil {
			return err
		}
		for integration := range counts {
			keys = append(keys, groupKeys(integration, id)...)
		}
		known, err := db.EventsOf(ctx, keys)
		for k := range known {
			out = append(out, k)
		}
		return err
	})
	if err != nil || len(out) > 0 {
		return out, err
	}
	// The second call under a Call-ID has an id that is not its group's.
	return db.groups(ctx, "SELECT DISTINCT integration, group_id FROM call_keys WHERE toString(call_id) = ?", id)
}

func (db *DB) groups(ctx context.Context, sql string, args ...any) ([]CallKey, error) {
	var out []CallKey
	err := db.do(ctx, "list calls' groups", streamTimeout, func(ctx context.Context) error {
		return db.query(ctx, sql, args, func(r driver.Rows) error {
			var k CallKey
			err := r.Scan(&k.Integration, &k.GroupID)
			out = append(out, k)
			return err
		})
	})
	return out, err
}
