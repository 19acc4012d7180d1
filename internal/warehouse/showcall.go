package warehouse

import (
	"context"
	"slices"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/call"
	"fonoteka/internal/links"
)

// CallDetail is all that is known of one call.
type CallDetail struct {
	Record     call.Record // with its legs
	Version    uint64
	Recordings []call.RecordingStatus // those of the record, the newest announcement first
	Events     uint64                 // distinct notifications of its group
	Links      []links.Link           // that it is part of
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
			if d.Recordings, d.Events, err = db.about(ctx, c.Record); err != nil {
				return err
			}
			if d.Links, err = db.linksOf(ctx, c.Record.Integration, c.Record.CallID); err != nil {
				return err
			}
			out = append(out, d)
		}
		return nil
	})
	return out, err
}

// keysOf looks by the group first: its id is the key of the table, and nearly
// always the call's id too. The operator's id hashes to it.
func (db *DB) keysOf(ctx context.Context, id string) ([]rowKey, error) {
	if n, err := strconv.ParseUint(id, 10, 64); err == nil {
		for _, column := range []string{"group_id", "call_id"} {
			keys, err := db.queryRowKeys(ctx, "SELECT DISTINCT started_at, integration, call_id FROM call_keys WHERE "+column+" = ?", n)
			if own := slices.DeleteFunc(keys, func(k rowKey) bool { return k.callID != n }); err != nil || len(own) > 0 {
				return own, err
			}
		}
	}
	var groups []CallKey
	err := db.query(ctx, "SELECT DISTINCT integration FROM call_keys", nil, func(r driver.Rows) error {
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

func (db *DB) about(ctx context.Context, r call.Record) (recordings []call.RecordingStatus, events uint64, err error) {
	err = db.conn.QueryRow(ctx, "SELECT count() FROM events FINAL WHERE integration = ? AND group_id = ?",
		r.Integration, r.GroupID).Scan(&events)
	if err != nil || len(r.Recordings) == 0 {
		return nil, events, err
	}
	rows, err := db.recordingsWhere(ctx, where{
		terms: []string{"integration = ?", "recording_id IN ?"}, args: []any{r.Integration, r.Recordings},
	}, len(r.Recordings))
	for _, row := range rows {
		recordings = append(recordings, row.RecordingStatus)
	}
	return recordings, events, err
}
