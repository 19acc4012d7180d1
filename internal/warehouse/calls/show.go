package calls

import (
	"context"
	"slices"
	"strconv"

	"fonoteka/internal/call"
	"fonoteka/internal/correlate"
	"fonoteka/internal/warehouse"
)

// Detail is all that is known of one call.
type Detail struct {
	Record     call.Record // with its legs
	Version    uint64
	Recordings []call.RecordingStatus // those of the record, the newest announcement first
	Events     uint64                 // distinct notifications of its group
	Links      []correlate.Link       // that it is part of
}

// ShowCall finds calls by our call id (decimal) or by the operator's, with or
// without its leg suffix. It may find several: a Call-ID that was used again,
// or two integrations that hear the same calls. None is not an error. recordings reads
// those of a record: catalogue.DB.OfCall, whose package stands above this one.
func (db *DB) ShowCall(ctx context.Context, id string, recordings func(context.Context, call.Record) ([]call.RecordingStatus, error)) ([]Detail, error) {
	var out []Detail
	err := db.Do(ctx, "show call", warehouse.ReadTimeout, func(ctx context.Context) error {
		keys, err := db.keysOf(ctx, id)
		if err != nil {
			return err
		}
		calls, err := db.callsByKey(ctx, keys)
		if err != nil {
			return err
		}
		for _, c := range calls {
			d := Detail{Record: c.Record, Version: c.Version}
			if d.Events, err = db.eventsOf(ctx, c.Record); err != nil {
				return err
			}
			if d.Recordings, err = recordings(ctx, c.Record); err != nil {
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
	var groups []call.GroupKey
	err := db.Query(ctx, "SELECT DISTINCT integration FROM call_keys", nil, func(r warehouse.Rows) error {
		var integration string
		err := r.Scan(&integration)
		groups = append(groups, call.GroupKey{Integration: integration, GroupID: call.ID(integration, call.BaseID(id))})
		return err
	})
	if err != nil || len(groups) == 0 {
		return nil, err
	}
	return db.rowKeys(ctx, groups)
}

// eventsOf counts the distinct notifications of a call's group.
func (db *DB) eventsOf(ctx context.Context, r call.Record) (events uint64, err error) {
	err = db.QueryRow(ctx, "SELECT count() FROM events FINAL WHERE integration = ? AND group_id = ?", r.Integration, r.GroupID).Scan(&events)
	return events, err
}
