package calls

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/correlate"
	"fonoteka/internal/warehouse"
)

// SaveAction writes what we ask the operator to do, or with the same ID what
// came of it: begun, done, refused, failed or unknown.
func (db *DB) SaveAction(ctx context.Context, a correlate.Action, outcome string) error {
	return db.Do(ctx, "save action", warehouse.InsertTimeout, func(ctx context.Context) error {
		return db.Insert(ctx, "call_actions", "integration, action_id, at, kind, account_id, number, platform_call_id, outcome, version", 1,
			func(b warehouse.Batch) error {
				return b.Append(a.Integration, a.ID, warehouse.ClampTime(a.At), string(a.Kind), a.AccountID, a.Number, a.PlatformCallID, outcome, uint64(time.Now().UnixMilli()))
			})
	})
}

// Actions reads the actions of a span of time that may have been done.
func (db *DB) Actions(ctx context.Context, from, to time.Time) ([]correlate.Action, error) {
	var w warehouse.Where
	w.From("at", from)
	w.To("at", to)
	w.Add(true, "outcome NOT IN ('refused', 'failed')")
	var out []correlate.Action
	err := db.Do(ctx, "read actions", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, "SELECT integration, action_id, at, kind, account_id, number, platform_call_id FROM call_actions FINAL"+w.SQL()+" ORDER BY at, action_id",
			w.Args, func(r warehouse.Rows) error {
				var a correlate.Action
				var kind string
				err := r.Scan(&a.Integration, &a.ID, &a.At, &kind, &a.AccountID, &a.Number, &a.PlatformCallID)
				a.At, a.Kind = a.At.UTC(), correlate.Kind(kind)
				out = append(out, a)
				return err
			})
	})
	return out, err
}

// ErrNoLeg says that no leg goes by that name.
var ErrNoLeg = errors.New("no such leg")

// NewestEvent reads the notification of a leg that arrived last, as it came; not
// recorded, which bears neither tag nor transport. The leg is named by its Call-ID
// as the operator spells it. decode reads a body. ErrNoLeg if nothing came of it.
func (db *DB) NewestEvent(ctx context.Context, integration, platformLegID string, decode func(integration string, body []byte, received time.Time) (call.Event, error)) (call.Event, error) {
	key := call.GroupKey{Integration: integration, GroupID: call.ID(integration, call.BaseID(platformLegID))}
	found, err := db.EventsOf(ctx, []call.GroupKey{key})
	if err != nil {
		return call.Event{}, err
	}
	var newest call.Event
	for _, stored := range found[key] {
		e, err := decode(integration, stored.Body, stored.ReceivedAt)
		if err != nil || e.PlatformID != platformLegID || e.State == call.Recorded {
			continue
		}
		if newest.PlatformID == "" || newer(e, newest) {
			newest = e
		}
	}
	if newest.PlatformID == "" {
		return newest, fmt.Errorf("%w: %s", ErrNoLeg, platformLegID)
	}
	return newest, nil
}

// newer goes by the arrival: showing and hiding repeat the leg's first time.
func newer(a, b call.Event) bool {
	if !a.ReceivedAt.Equal(b.ReceivedAt) {
		return a.ReceivedAt.After(b.ReceivedAt)
	}
	return a.StartedAt.After(b.StartedAt)
}
