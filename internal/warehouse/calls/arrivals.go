package calls

import (
	"context"
	"strconv"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/volume"
	"fonoteka/internal/warehouse"
)

// CallsByHour counts the calls that began at or after from and before to, by
// integration and hour; an hour without a call has no row.
func (db *DB) CallsByHour(ctx context.Context, from, to time.Time) ([]volume.CallsInHour, error) {
	var out []volume.CallsInHour
	err := db.Do(ctx, "count calls by hour", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, `SELECT integration, toStartOfHour(started_at) AS hour, count() FROM calls FINAL
			WHERE started_at >= fromUnixTimestamp64Milli(?, 'UTC') AND started_at < fromUnixTimestamp64Milli(?, 'UTC')
			GROUP BY integration, hour ORDER BY integration, hour`,
			[]any{warehouse.ClampTime(from).UnixMilli(), warehouse.ClampTime(to).UnixMilli()}, func(r warehouse.Rows) error {
				var c volume.CallsInHour
				err := r.Scan(&c.Integration, &c.Hour, &c.Calls)
				c.Hour = c.Hour.UTC()
				out = append(out, c)
				return err
			})
	})
	return out, err
}

// LastArrivals tells when the newest notification of a call came into the
// warehouse, by integration, as far back as since.
func (db *DB) LastArrivals(ctx context.Context, since time.Time) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := db.Do(ctx, "find last arrivals", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, `SELECT integration, max(inserted_at) FROM touched
			WHERE inserted_at >= fromUnixTimestamp64Milli(?, 'UTC') GROUP BY integration`,
			[]any{warehouse.ClampTime(since).UnixMilli()}, func(r warehouse.Rows) error {
				var integration string
				var at time.Time
				err := r.Scan(&integration, &at)
				out[integration] = at.UTC()
				return err
			})
	})
	return out, err
}

// RecentNotifications returns, of each integration, notifications in a state
// that belong to its newest calls, of at most limit of them; not those with a body
// that is longer than usual. Calls are looked for from since on, and into the future
// too, where a wrong time zone puts them.
func (db *DB) RecentNotifications(ctx context.Context, state string, since time.Time, limit int) ([]call.Notification, error) {
	var out []call.Notification
	err := db.Do(ctx, "read recent notifications", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, `SELECT integration, group_id, received_at, body FROM events FINAL
			WHERE state = ? AND length(body) <= `+strconv.Itoa(usualBody)+` AND (integration, group_id) IN (
				SELECT integration, group_id FROM calls WHERE started_at >= fromUnixTimestamp64Milli(?, 'UTC')
				ORDER BY started_at DESC LIMIT ? BY integration)`,
			[]any{state, warehouse.ClampTime(since).UnixMilli(), limit}, func(r warehouse.Rows) error {
				var e call.Notification
				var body string
				err := r.Scan(&e.Integration, &e.GroupID, &e.ReceivedAt, &body)
				e.State, e.Body = state, []byte(body)
				out = append(out, e)
				return err
			})
	})
	return out, err
}

// SharedCalls are integrations that hear the same calls, and how many.
type SharedCalls struct {
	Integrations []string // sorted, two or more
	Calls        uint64
}

// SharedCalls finds integrations that bear the same Call-IDs since a time, as
// two on one cabinet do. A few may be chance where ids are short; they are left
// out.
func (db *DB) SharedCalls(ctx context.Context, since time.Time) ([]SharedCalls, error) {
	var out []SharedCalls
	err := db.Do(ctx, "find shared calls", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, `SELECT who, count() AS n FROM (
				SELECT arraySort(groupUniqArray(integration)) AS who FROM calls
				WHERE started_at >= fromUnixTimestamp64Milli(?, 'UTC') AND (SELECT uniq(integration) FROM calls WHERE started_at >= fromUnixTimestamp64Milli(?, 'UTC')) > 1
				GROUP BY platform_call_id HAVING length(who) > 1)
			GROUP BY who HAVING n >= 3 ORDER BY n DESC, who`,
			[]any{warehouse.ClampTime(since).UnixMilli(), warehouse.ClampTime(since).UnixMilli()}, func(r warehouse.Rows) error {
				var s SharedCalls
				err := r.Scan(&s.Integrations, &s.Calls)
				out = append(out, s)
				return err
			})
	})
	return out, err
}
