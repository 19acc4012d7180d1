package calls

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse"
)

// rowKey is the key of a row of calls.
type rowKey struct {
	startedAt   int64 // unix milliseconds
	integration string
	callID      uint64
}

// StoredCalls reads every live row of the groups' calls, under whatever start
// they lie: normally one per call, several after a crash between moving a call
// and burying its old row. A group without rows is not in the result. Rows are
// ordered by start, then call id.
func (db *DB) StoredCalls(ctx context.Context, keys []call.GroupKey) (map[call.GroupKey][]cdr.StoredCall, error) {
	out := make(map[call.GroupKey][]cdr.StoredCall, len(keys))
	if len(keys) == 0 {
		return out, nil
	}
	err := db.Do(ctx, "read calls", warehouse.ReadTimeout, func(ctx context.Context) error {
		found, err := db.rowKeys(ctx, keys)
		if err != nil {
			return err
		}
		calls, err := db.callsByKey(ctx, found)
		if err != nil {
			return err
		}
		for _, c := range calls {
			k := call.GroupKey{Integration: c.Record.Integration, GroupID: c.Record.GroupID}
			out[k] = append(out[k], c)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// rowKeys asks for one integration at a time: a set of single numbers is looked
// up in the primary key twice as fast as a set of pairs (30 ms instead of 80 for
// 1,000 of 5 million), and integrations are few.
func (db *DB) rowKeys(ctx context.Context, keys []call.GroupKey) ([]rowKey, error) {
	groups := map[string][]call.GroupKey{}
	for _, k := range keys {
		groups[k.Integration] = append(groups[k.Integration], k)
	}
	var out []rowKey
	for integration, keys := range groups {
		ctx, err := WithKeys(ctx, keys)
		if err != nil {
			return nil, err
		}
		found, err := db.queryRowKeys(ctx, `
			SELECT DISTINCT started_at, integration, call_id
			FROM call_keys
			WHERE integration = ? AND group_id IN (SELECT group_id FROM asked)`, integration)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// queryRowKeys reads (started_at, integration, call_id).
func (db *DB) queryRowKeys(ctx context.Context, sql string, args ...any) ([]rowKey, error) {
	var out []rowKey
	err := db.Query(ctx, sql, args, func(r warehouse.Rows) error {
		var k rowKey
		var at time.Time
		if err := r.Scan(&at, &k.integration, &k.callID); err != nil {
			return err
		}
		k.startedAt = at.UnixMilli()
		out = append(out, k)
		return nil
	})
	return out, err
}

// callsByKey reads the live rows under the keys with their legs, by start. The
// key of the tables holds the start and a partition is a month of it, so that
// collapsing within partitions is enough. Calls are read before legs, the other
// way round than they are written: a call that is seen has its legs.
func (db *DB) callsByKey(ctx context.Context, keys []rowKey) ([]cdr.StoredCall, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	ctx, inMonths, err := withRowKeys(ctx, keys)
	if err != nil {
		return nil, err
	}
	var out []cdr.StoredCall
	err = db.Query(ctx, "SELECT "+callColumns+" FROM calls FINAL WHERE "+inMonths+" AND "+underKeys("wanted")+" ORDER BY started_at, call_id", nil,
		func(r warehouse.Rows) error {
			c, err := scanCall(r)
			out = append(out, c)
			return err
		})
	if err != nil {
		return nil, err
	}
	legs := map[rowKey][]call.Leg{}
	err = db.Query(ctx, "SELECT "+legColumns+" FROM legs FINAL WHERE "+inMonths+" AND (started_at, integration, call_id) IN wanted", nil, func(r warehouse.Rows) error {
		k, l, err := scanLeg(r)
		legs[k] = append(legs[k], l)
		return err
	})
	for i := range out {
		r := &out[i].Record
		r.Legs = legs[keyOf(*r)]
		call.SortLegs(r.Legs)
	}
	return out, err
}

func keyOf(r call.Record) rowKey {
	return rowKey{warehouse.ToMilli(r.StartedAt).UnixMilli(), r.Integration, r.CallID}
}

// underKeys chooses those rows of calls whose started_at, integration and call_id
// are in a table, or what else stands after FROM: by the primary key, which
// begins with the newest.
func underKeys(from string) string {
	return `(newest, started_at, integration, call_id) IN (SELECT -CAST(started_at, 'Decimal64(3)'), started_at, integration, call_id FROM ` + from + `)`
}

// withRowKeys sends the keys as the external table "wanted" and returns the
// condition that a row is of one of their months, which prunes partitions before
// any index is read.
func withRowKeys(ctx context.Context, keys []rowKey) (context.Context, string, error) {
	months := map[string]bool{}
	for _, k := range keys {
		months[time.UnixMilli(k.startedAt).UTC().Format("200601")] = true
	}
	ctx, err := warehouse.WithTable(ctx, "wanted",
		warehouse.Fields{{"started_at", "DateTime64(3, 'UTC')"}, {"integration", "String"}, {"call_id", "UInt64"}}, len(keys),
		func(i int) []any {
			return []any{time.UnixMilli(keys[i].startedAt).UTC(), keys[i].integration, keys[i].callID}
		})
	if err != nil {
		return nil, "", err
	}
	ctx = warehouse.WithSettings(ctx, warehouse.Settings{"do_not_merge_across_partitions_select_final": 1})
	return ctx, "toYYYYMM(started_at) IN (" + strings.Join(slices.Sorted(maps.Keys(months)), ", ") + ")", nil
}

// OpenCalls lists the calls that began before the given time and go on
// (call.Record.GoingOn),
// oldest first, at most limit of them: those that may have to be ended by
// inference. There is no bound on their age: a skip index finds them, however
// long history is.
func (db *DB) OpenCalls(ctx context.Context, before time.Time, limit int) ([]call.GroupKey, error) {
	var out []call.GroupKey
	err := db.Do(ctx, "read open calls", warehouse.ReadTimeout, func(ctx context.Context) error {
		ctx = warehouse.WithSettings(ctx, warehouse.Settings{"do_not_merge_across_partitions_select_final": 1})
		// Whatever looks open in some version first, then what still is.
		return db.Query(ctx, `
			SELECT integration, group_id
			FROM calls FINAL
			WHERE `+underKeys("calls WHERE isNull(ended_at) AND started_at < fromUnixTimestamp64Milli(?, 'UTC')")+`
			AND isNull(ended_at) AND outcome != 'missed'
			GROUP BY integration, group_id
			ORDER BY min(started_at)
			LIMIT ?`, []any{warehouse.ToMilli(before).UnixMilli(), limit}, func(r warehouse.Rows) error {
			var k call.GroupKey
			if err := r.Scan(&k.Integration, &k.GroupID); err != nil {
				return err
			}
			out = append(out, k)
			return nil
		})
	})
	return out, err
}
