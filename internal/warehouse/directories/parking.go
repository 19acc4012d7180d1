package directories

import (
	"context"
	"time"

	"fonoteka/internal/warehouse"
)

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
	return db.Do(ctx, "save parking", warehouse.InsertTimeout, func(ctx context.Context) error {
		return db.Insert(ctx, "parking", "integration, number, at, parked, outcome, raw, version", len(rows), func(b warehouse.Batch) error {
			for _, r := range rows {
				if err := b.Append(r.Integration, r.Number, warehouse.ClampTime(r.At), r.Parked, r.Outcome, r.Raw, uint64(time.Now().UnixMilli())); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// Parking reads of each number what the operator was told last.
func (db *DB) Parking(ctx context.Context, integration string) ([]ParkingRow, error) {
	var w warehouse.Where
	w.Add(integration != "", "integration = ?", integration)
	var out []ParkingRow
	err := db.Do(ctx, "read parking", warehouse.ReadTimeout, func(ctx context.Context) error {
		return db.Query(ctx, "SELECT integration, number, at, parked, outcome, raw FROM parking FINAL"+w.SQL()+" ORDER BY integration, number, at DESC LIMIT 1 BY integration, number",
			w.Args, func(r warehouse.Rows) error {
				var p ParkingRow
				err := r.Scan(&p.Integration, &p.Number, &p.At, &p.Parked, &p.Outcome, &p.Raw)
				p.At = p.At.UTC()
				out = append(out, p)
				return err
			})
	})
	return out, err
}
