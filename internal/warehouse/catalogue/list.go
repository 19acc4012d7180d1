package catalogue

import (
	"context"
	"fmt"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
)

// Filter chooses recordings; a zero field chooses all.
type Filter struct {
	Integration string
	ID          string // recording id
	State       call.RecordingState
	Fault       call.FaultKind // what it is known to have; AnyFault: whatever
	Short       bool           // only what plays for less than its talk took
	From, To    time.Time      // announced in [From, To)
	GroupID     uint64         // of its call
	Call        *CallFilter    // only those of a call
	Number      string         // of its call: calls.Filter
	PartOf      string         // of its call's number, likewise
	Employee    string         // stands in the name of who had the call, upper or lower case
	Department  string         // likewise
	LongerThan  time.Duration  // it plays; 0: any
	ShorterThan time.Duration  // likewise
	Limit       int            // 0: 50
	After       *Row           // only what the list has after this one; nil: all
}

// CallFilter chooses the recordings of calls: by their own ids, which the calls know, and
// by what is known of the call before it is there. An empty field chooses none.
type CallFilter struct {
	IDs            []string
	GroupID        uint64
	PlatformCallID string
}

// AnyFault chooses, in a filter, what has a fault.
const AnyFault call.FaultKind = "any"

// Row is a row of the catalogue.
type Row struct {
	call.RecordingStatus
	CallKnown bool // false: the recording waits for its call
}

// ListRecordings lists the catalogue, the newest announcement first.
func (db *DB) ListRecordings(ctx context.Context, f Filter) ([]Row, error) {
	w := f.where()
	if a := f.After; a != nil {
		at := warehouse.ClampTime(a.AnnouncedAt).UnixMilli()
		w.Add(true, "announced_at <= fromUnixTimestamp64Milli(?, 'UTC') AND (announced_at < fromUnixTimestamp64Milli(?, 'UTC') OR recording_id > ?)", at, at, a.ID)
	}
	var out []Row
	err := db.Do(ctx, "list recordings", warehouse.ReadTimeout, func(ctx context.Context) error {
		w, err := db.narrowed(ctx, w)
		if err != nil {
			return err
		}
		out, err = db.recordingsWhere(ctx, w, warehouse.LimitOr(f.Limit, 50))
		return err
	})
	return out, err
}

// CountRecordings counts what ListRecordings would list without a limit.
func (db *DB) CountRecordings(ctx context.Context, f Filter) (n uint64, err error) {
	err = db.Do(ctx, "count recordings", warehouse.ReadTimeout, func(ctx context.Context) error {
		w, err := db.narrowed(ctx, f.where())
		if err != nil {
			return err
		}
		return db.QueryRow(ctx, "SELECT count() FROM recordings FINAL"+w.SQL(), w.Args...).Scan(&n)
	})
	return n, err
}

func (f Filter) where() warehouse.Where {
	var w warehouse.Where
	w.Add(f.Integration != "", "integration = ?", f.Integration)
	w.Add(f.ID != "", "recording_id = ?", f.ID)
	w.Add(f.State != "", "state = ?", string(f.State))
	w.Add(f.Fault == AnyFault, "fault != ''")
	w.Add(f.Fault != "" && f.Fault != AnyFault, "fault = ?", string(f.Fault))
	w.Add(f.Short, "short_talk_ms > 0")
	w.From("announced_at", f.From)
	w.To("announced_at", f.To)
	w.Add(f.GroupID != 0, "group_id = ?", f.GroupID)
	if c := f.Call; c != nil {
		w.Add(true, "(recording_id IN ? OR ? != 0 AND group_id = ? OR ? != '' AND platform_call_id = ?)",
			append([]string{""}, c.IDs...), c.GroupID, c.GroupID, c.PlatformCallID, c.PlatformCallID)
	}
	number := calls.OfNumber(f.Number, f.PartOf)
	w.Add(len(number.Args) > 0, "(integration, group_id) IN (SELECT integration, group_id FROM calls FINAL"+number.SQL()+")", number.Args...)
	const who = "positionCaseInsensitiveUTF8(dictGet('directory_account', '%s', (toString(integration), toString(account_id)), announced_at), ?) > 0"
	w.Add(f.Employee != "", fmt.Sprintf(who, "employee"), f.Employee)
	w.Add(f.Department != "", fmt.Sprintf(who, "department"), f.Department)
	w.Add(f.LongerThan > 0, "duration_ms > ?", f.LongerThan.Milliseconds())
	w.Add(f.ShorterThan > 0, "duration_ms > 0 AND duration_ms < ?", f.ShorterThan.Milliseconds())
	return w
}

// OfCall reads the rows of a record's recordings, the newest announcement first. Call
// it within the operation that reads the record: warehouse.DB.Do.
func (db *DB) OfCall(ctx context.Context, r call.Record) (out []call.RecordingStatus, err error) {
	if len(r.Recordings) == 0 {
		return nil, nil
	}
	var w warehouse.Where
	w.Add(true, "integration = ?", r.Integration)
	w.Add(true, "recording_id IN ?", r.Recordings)
	err = db.each(ctx, w, len(r.Recordings), func(s call.RecordingStatus) { out = append(out, s) })
	return out, err
}

func (db *DB) recordingsWhere(ctx context.Context, w warehouse.Where, limit int) ([]Row, error) {
	var out []Row
	err := db.each(ctx, w, limit, func(s call.RecordingStatus) { out = append(out, Row{RecordingStatus: s}) })
	if err != nil || len(out) == 0 {
		return nil, err
	}
	return out, db.markKnown(ctx, out)
}

// each finds the keys first, from few columns.
func (db *DB) each(ctx context.Context, w warehouse.Where, limit int, each func(call.RecordingStatus)) error {
	return db.Query(ctx, `SELECT `+recordingColumns+`
		FROM recordings FINAL
		WHERE (integration, recording_id) IN (
			SELECT integration, recording_id FROM recordings FINAL`+w.SQL()+`
			ORDER BY announced_at DESC, recording_id LIMIT ?)
		ORDER BY announced_at DESC, recording_id`,
		append(w.Args, limit), func(r warehouse.Rows) error {
			s, err := scanRecording(r)
			each(s)
			return err
		})
}

// Rows are recordings as the catalogue lists them: it looks up whether their calls are
// known.
func (db *DB) Rows(ctx context.Context, recordings []call.RecordingStatus) ([]Row, error) {
	if len(recordings) == 0 {
		return nil, nil
	}
	rows := make([]Row, len(recordings))
	for i, s := range recordings {
		rows[i].RecordingStatus = s
	}
	err := db.Do(ctx, "look calls of recordings up", warehouse.ReadTimeout, func(ctx context.Context) error { return db.markKnown(ctx, rows) })
	return rows, err
}

// markKnown looks the rows' calls up.
func (db *DB) markKnown(ctx context.Context, rows []Row) error {
	keys := make([]call.GroupKey, len(rows))
	for i, r := range rows {
		keys[i] = call.GroupKey{Integration: r.Integration, GroupID: r.GroupID}
	}
	ctx, err := calls.WithKeys(ctx, keys)
	if err != nil {
		return err
	}
	known := map[call.GroupKey]bool{}
	err = db.Query(ctx, "SELECT DISTINCT integration, group_id FROM call_keys WHERE (integration, group_id) IN asked", nil,
		func(r warehouse.Rows) error {
			var k call.GroupKey
			err := r.Scan(&k.Integration, &k.GroupID)
			known[k] = true
			return err
		})
	for i, k := range keys {
		rows[i].CallKnown = known[k]
	}
	return err
}
