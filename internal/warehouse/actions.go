package warehouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"fonoteka/internal/call"
	"fonoteka/internal/links"
)

// SaveAction writes what we ask the operator to do, or with the same ID what
// came of it: begun, done, refused, failed or unknown.
func (db *DB) SaveAction(ctx context.Context, a links.Action, outcome string) error {
	return db.do(ctx, "save action", InsertTimeout, func(ctx context.Context) error {
		return db.insert(ctx, "call_actions", "integration, action_id, at, kind, account_id, number, platform_call_id, outcome, version", 1,
			func(b driver.Batch) error {
				return b.Append(a.Integration, a.ID, clampTime(a.At), string(a.Kind), a.AccountID, a.Number, a.PlatformCallID, outcome, uint64(time.Now().UnixMilli()))
			})
	})
}

// Actions reads the actions of a span of time that may have been done.
func (db *DB) Actions(ctx context.Context, from, to time.Time) ([]links.Action, error) {
	var w where
	w.from("at", from)
	w.to("at", to)
	w.add(true, "outcome NOT IN ('refused', 'failed')")
	var out []links.Action
	err := db.do(ctx, "read actions", readTimeout, func(ctx context.Context) error {
		return db.query(ctx, "SELECT integration, action_id, at, kind, account_id, number, platform_call_id FROM call_actions FINAL"+w.sql()+" ORDER BY at, action_id",
			w.args, func(r driver.Rows) error {
				var a links.Action
				var kind string
				err := r.Scan(&a.Integration, &a.ID, &a.At, &kind, &a.AccountID, &a.Number, &a.PlatformCallID)
				a.At, a.Kind = a.At.UTC(), links.Kind(kind)
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
	key := CallKey{integration, call.ID(integration, call.BaseID(platformLegID))}
	found, err := db.EventsOf(ctx, []CallKey{key})
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

// ParkingRow is what the operator was told about an external number.
type ParkingRow struct {
	Integration string
	Number      string // digits
	Raw         string // as it was sent
	At          time.Time
	Parked      bool
	Outcome     string // done or unknown
}

// SaveParking notes what the operator was told.
func (db *DB) SaveParking(ctx context.Context, rows []ParkingRow) error {
	return db.do(ctx, "save parking", InsertTimeout, func(ctx context.Context) error {
		return db.insert(ctx, "parking", "integration, number, at, parked, outcome, raw, version", len(rows), func(b driver.Batch) error {
			for _, r := range rows {
				if err := b.Append(r.Integration, r.Number, clampTime(r.At), r.Parked, r.Outcome, r.Raw, uint64(time.Now().UnixMilli())); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// Parking reads of each number what the operator was told last.
func (db *DB) Parking(ctx context.Context, integration string) ([]ParkingRow, error) {
	var w where
	w.add(integration != "", "integration = ?", integration)
	var out []ParkingRow
	err := db.do(ctx, "read parking", readTimeout, func(ctx context.Context) error {
		return db.query(ctx, "SELECT integration, number, at, parked, outcome, raw FROM parking FINAL"+w.sql()+" ORDER BY integration, number, at DESC LIMIT 1 BY integration, number",
			w.args, func(r driver.Rows) error {
				var p ParkingRow
				err := r.Scan(&p.Integration, &p.Number, &p.At, &p.Parked, &p.Outcome, &p.Raw)
				p.At = p.At.UTC()
				out = append(out, p)
				return err
			})
	})
	return out, err
}
