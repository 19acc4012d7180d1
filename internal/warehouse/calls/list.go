package calls

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/warehouse"
)

// Filter chooses calls; a zero field chooses all.
type Filter struct {
	Integration string
	From, To    time.Time // started in [From, To)
	Number      string    // digits: the client's number, the external number or an extension, whole
	PartOf      string    // digits: they stand somewhere in one of those
	Outcome     call.Outcome
	Direction   call.Direction
	Employee    string        // stands in the name of who had the call, upper or lower case
	Department  string        // likewise
	LongerThan  time.Duration // of talk; 0: any
	ShorterThan time.Duration // likewise
	Recorded    *bool         // with a recording announced, or without one; nil: both
	Limit       int           // 0: 50
	After       *call.Record  // only what the list has after this call; nil: all
}

const day = 24 * time.Hour

// ListCalls lists calls with their legs, the newest first. Without From it
// looks back only as far as Limit needs.
func (db *DB) ListCalls(ctx context.Context, f Filter) ([]call.Record, error) {
	f.Limit = warehouse.LimitOr(f.Limit, 50)
	var found []cdr.StoredCall
	err := db.Do(ctx, "list calls", warehouse.ReadTimeout, func(ctx context.Context) error {
		ctx = warehouse.WithSettings(ctx, warehouse.Settings{"do_not_merge_across_partitions_select_final": 1})
		keys, err := db.newestKeys(ctx, f)
		if err != nil {
			return err
		}
		found, err = db.callsByKey(ctx, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Reverse(found)
	out := make([]call.Record, len(found))
	for i, c := range found {
		out[i] = c.Record
	}
	return out, nil
}

// newestKeys finds the rows' keys alone, which reads few columns; a list of all
// columns in order of time would read each of them to its end.
func (db *DB) newestKeys(ctx context.Context, f Filter) ([]rowKey, error) {
	if !f.From.IsZero() {
		return db.keysBetween(ctx, f)
	}
	to := f.To
	if f.After != nil {
		to = f.After.StartedAt.Add(time.Millisecond)
	}
	if to.IsZero() {
		// From the partitions' own bounds, without reading a row.
		err := db.QueryRow(ctx, "SELECT max(started_at) FROM calls").Scan(&to)
		if err != nil {
			return nil, err
		}
		to = to.Add(time.Millisecond)
	}
	for _, back := range []time.Duration{2 * day, 40 * day, 400 * day} {
		f.From = to.Add(-back)
		keys, err := db.keysBetween(ctx, f)
		if err != nil || len(keys) >= f.Limit {
			return keys, err
		}
	}
	f.From = time.Time{}
	return db.keysBetween(ctx, f)
}

func (db *DB) keysBetween(ctx context.Context, f Filter) ([]rowKey, error) {
	w := f.where()
	return db.queryRowKeys(ctx, "SELECT started_at, integration, call_id FROM calls FINAL"+w.SQL()+
		" ORDER BY started_at DESC, call_id DESC LIMIT ?", append(w.Args, f.Limit)...)
}

// CountCalls counts what ListCalls would list without a limit.
func (db *DB) CountCalls(ctx context.Context, f Filter) (n uint64, err error) {
	err = db.Do(ctx, "count calls", warehouse.ReadTimeout, func(ctx context.Context) error {
		w := f.where()
		return db.QueryRow(ctx, "SELECT count() FROM calls FINAL"+w.SQL(), w.Args...).Scan(&n)
	})
	return n, err
}

func (f Filter) where() warehouse.Where {
	var w warehouse.Where
	w.Add(f.Integration != "", "integration = ?", f.Integration)
	w.From("started_at", f.From)
	w.To("started_at", f.To)
	w.And(OfNumber(f.Number, f.PartOf))
	w.Add(f.Outcome != "", "outcome = ?", string(f.Outcome))
	w.Add(f.Direction != "", "direction = ?", string(f.Direction))
	const who = "dictGet('directory_account', '%s', (toString(integration), toString(account_id)), started_at)"
	w.Add(f.Employee != "", "(positionCaseInsensitiveUTF8("+fmt.Sprintf(who, "employee")+", ?) > 0 OR positionCaseInsensitiveUTF8(caller_name, ?) > 0 OR positionCaseInsensitiveUTF8(callee_name, ?) > 0)", f.Employee, f.Employee, f.Employee)
	w.Add(f.Department != "", "positionCaseInsensitiveUTF8("+fmt.Sprintf(who, "department")+", ?) > 0", f.Department)
	w.Add(f.LongerThan > 0, "talk_ms > ?", f.LongerThan.Milliseconds())
	w.Add(f.ShorterThan > 0, "talk_ms < ?", f.ShorterThan.Milliseconds())
	if f.Recorded != nil {
		w.Add(true, "notEmpty(recordings) = ?", *f.Recorded)
	}
	if f.After != nil {
		w.Add(true, "(started_at, call_id) < (fromUnixTimestamp64Milli(?, 'UTC'), ?)", warehouse.ClampTime(f.After.StartedAt).UnixMilli(), f.After.CallID)
	}
	return w
}

// OfNumber is the condition that one of a call's numbers – the client's, the external one,
// the extensions of an internal call – is whole, and that one has part in it. Empty
// digits are no condition.
func OfNumber(whole, part string) (w warehouse.Where) {
	w.Add(whole != "", "(client_number = ? OR external_number = ? OR caller_extension = ? OR callee_extension = ?)", whole, whole, whole, whole)
	w.Add(part != "", "(position(client_number, ?) > 0 OR position(external_number, ?) > 0 OR position(caller_extension, ?) > 0 OR position(callee_extension, ?) > 0)", part, part, part, part)
	return w
}
