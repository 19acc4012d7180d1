package calls

import (
	"context"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/correlate"
	"fonoteka/internal/warehouse"
)

// LinkCandidates reads the calls begun in [from, to) that may be linked, with
// their legs: those that overlap another call of the same client, or follow one
// within seconds, and those near an action or under its Call-ID. They are few.
func (db *DB) LinkCandidates(ctx context.Context, from, to time.Time, actions []correlate.Action) ([]call.Record, error) {
	var out []call.Record
	err := db.Do(ctx, "read what may be linked", warehouse.ReadTimeout, func(ctx context.Context) error {
		ctx = warehouse.WithSettings(ctx, warehouse.Settings{"do_not_merge_across_partitions_select_final": 1})
		var w warehouse.Where
		w.From("started_at", from)
		w.To("started_at", to)
		keys, err := db.queryRowKeys(ctx, `
			WITH over AS (SELECT started_at, integration, call_id, client_number, ifNull(ended_at, started_at + INTERVAL 4 HOUR) AS until
				FROM calls FINAL`+w.SQL()+` AND client_number != '')
			SELECT started_at, integration, call_id
			FROM (SELECT started_at, integration, call_id, until,
					max(until) OVER (client ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier,
					min(started_at) OVER (client ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING) AS next
				FROM over WINDOW client AS (PARTITION BY integration, client_number ORDER BY started_at, call_id))
			WHERE started_at <= earlier + INTERVAL 4 SECOND OR (next > toDateTime64(0, 3, 'UTC') AND next <= until + INTERVAL 4 SECOND)`, w.Args...)
		if err != nil {
			return err
		}
		near, err := db.nearActions(ctx, w, actions)
		if err != nil {
			return err
		}
		found, err := db.callsByKey(ctx, append(keys, near...))
		for _, c := range found {
			out = append(out, c.Record)
		}
		return err
	})
	return out, err
}

// nearActions finds the calls that begin around an action, or bear its Call-ID.
// A makeCall rings the workplace for up to a minute before it calls the number.
func (db *DB) nearActions(ctx context.Context, w warehouse.Where, actions []correlate.Action) ([]rowKey, error) {
	if len(actions) == 0 {
		return nil, nil
	}
	ctx, err := warehouse.WithTable(ctx, "actions", warehouse.Fields{{"integration", "String"}, {"base", "String"}, {"at", "DateTime64(3, 'UTC')"}}, len(actions),
		func(i int) []any {
			a := actions[i]
			return []any{a.Integration, call.BaseID(a.PlatformCallID), warehouse.ClampTime(a.At)}
		})
	if err != nil {
		return nil, err
	}
	return db.queryRowKeys(ctx, `
		SELECT DISTINCT c.started_at, toString(c.integration), c.call_id
		FROM (SELECT started_at, integration, call_id, platform_call_id FROM calls FINAL`+w.SQL()+`) AS c
		INNER JOIN actions AS a ON a.integration = c.integration
		WHERE a.base != '' AND a.base = c.platform_call_id
			OR c.started_at BETWEEN a.at - INTERVAL 15 SECOND AND a.at + INTERVAL 100 SECOND`, w.Args...)
}

const linkColumns = "integration, kind, call_id, started_at, linked_call_id, linked_started_at, action_id, confidence, evidence"

// Links reads the links whose earlier call began in [from, to).
func (db *DB) Links(ctx context.Context, from, to time.Time) ([]correlate.Link, error) {
	var w warehouse.Where
	w.From("started_at", from)
	w.To("started_at", to)
	var out []correlate.Link
	err := db.Do(ctx, "read links", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, "SELECT "+linkColumns+" FROM call_links FINAL"+w.SQL()+" ORDER BY integration, started_at, call_id, linked_call_id, kind", w.Args,
			func(r warehouse.Rows) error {
				l, err := scanLink(r)
				out = append(out, l)
				return err
			})
	})
	return out, err
}

// linksOf reads the links that a call is part of.
func (db *DB) linksOf(ctx context.Context, integration string, callID uint64) ([]correlate.Link, error) {
	var out []correlate.Link
	err := db.Query(ctx, "SELECT "+linkColumns+" FROM call_links FINAL WHERE integration = ? AND (call_id = ? OR linked_call_id = ?) ORDER BY started_at, kind",
		[]any{integration, callID, callID}, func(r warehouse.Rows) error {
			l, err := scanLink(r)
			out = append(out, l)
			return err
		})
	return out, err
}

func scanLink(r warehouse.Rows) (correlate.Link, error) {
	var l correlate.Link
	var kind, confidence string
	var linked time.Time
	err := r.Scan(&l.Integration, &kind, &l.From.CallID, &l.From.StartedAt, &l.To.CallID, &linked, &l.ActionID, &confidence, &l.Evidence)
	l.Kind, l.Confidence, l.From.StartedAt = correlate.Kind(kind), correlate.Confidence(confidence), l.From.StartedAt.UTC()
	if l.To.CallID != 0 {
		l.To.StartedAt = linked.UTC()
	}
	return l, err
}

// WriteLinks adds links and takes others away.
func (db *DB) WriteLinks(ctx context.Context, add, remove []correlate.Link) error {
	version := uint64(time.Now().UnixMilli())
	return db.Do(ctx, "write links", warehouse.InsertTimeout, func(ctx context.Context) error {
		return db.Insert(ctx, "call_links", linkColumns+", version, is_deleted", len(add)+len(remove), func(b warehouse.Batch) error {
			for i, l := range append(append([]correlate.Link(nil), remove...), add...) {
				err := b.Append(l.Integration, string(l.Kind), l.From.CallID, warehouse.ClampTime(l.From.StartedAt), l.To.CallID, warehouse.ToMilli(l.To.StartedAt),
					l.ActionID, string(l.Confidence), l.Evidence, version, warehouse.Deleted(i < len(remove)))
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}
