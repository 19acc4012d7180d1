package warehouse

import (
	"context"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/call"
)

// CallDetail is all that is known of one call.
type CallDetail struct {
	Record     call.Record // with its legs
	Version    uint64
	Recordings []call.RecordingStatus // of its group of notifications, by announcement
	Events     uint64                 // distinct notifications of its group
}

// ShowCall finds calls by our call id (decimal) or by the operator's, with or
// without its leg suffix. It may find several: a Call-ID that was used again,
// or two integrations that hear the same calls. None is not an error.
func (db *DB) ShowCall(ctx context.Context, id string) ([]CallDetail, error) {
	var out []CallDetail
	err := db.do(ctx, "show call", readTimeout, func(ctx context.Context) error {
		keys, err := db.keysOf(ctx, id)
		if err != nil {
			return err
		}
		calls, err := db.callsByKey(ctx, keys)
		if err != nil {
			return err
		}
		for _, c := range calls {
			d := CallDetail{Record: c.Record, Version: c.Version}
			if d.Recordings, d.Events, err = db.aboutGroup(ctx, CallKey{c.Record.Integration, c.Record.GroupID}); err != nil {
				return err
			}
			out = append(out, d)
		}
		return nil
	})
	return out, err
}

// keysOf needs no index by call id: call_keys is narrow, and the operator's id
// hashes to the group.
func (db *DB) keysOf(ctx context.Context, id string) ([]rowKey, error) {
	const sql = "SELECT DISTINCT started_at, integration, call_id FROM call_keys WHERE "
	if n, err := strconv.ParseUint(id, 10, 64); err == nil {
		keys, err := db.queryRowKeys(ctx, sql+"call_id = ?", n)
		if err != nil || len(keys) > 0 {
			return keys, err
		}
	}
	var groups []CallKey
	err := db.query(ctx, "SELECT DISTINCT toString(integration) FROM call_keys", nil, func(r driver.Rows) error {
		var integration string
		err := r.Scan(&integration)
		groups = append(groups, CallKey{integration, call.ID(integration, call.BaseID(id))})
		return err
	})
	if err != nil || len(groups) == 0 {
		return nil, err
	}
	return db.rowKeys(ctx, groups)
}

func (db *DB) aboutGroup(ctx context.Context, k CallKey) (recordings []call.RecordingStatus, events uint64, err error) {
	err = db.conn.QueryRow(ctx, "SELECT count() FROM events FINAL WHERE integration = ? AND call_id = ?",
		k.Integration, k.GroupID).Scan(&events)
	if err != nil {
		return nil, 0, err
	}
	rows, err := db.recordingsWhere(ctx, where{
		terms: []string{"integration = ?", "call_id = ?"}, args: []any{k.Integration, k.GroupID},
	}, 1000)
	for _, r := range rows {
		recordings = append(recordings, r.RecordingStatus)
	}
	return recordings, events, err
}
