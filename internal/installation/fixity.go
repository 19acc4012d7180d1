package installation

import (
	"context"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
	"fonoteka/internal/warehouse"
)

// FixityCatalogue is fixity's view of the warehouse.
type FixityCatalogue struct{ DB *warehouse.DB }

func (c FixityCatalogue) Archived(ctx context.Context, q fixity.Query, limit int) ([]call.RecordingStatus, error) {
	return c.DB.ArchivedAfter(ctx, warehouse.ArchivedFilter(q), limit)
}

func (c FixityCatalogue) Count(ctx context.Context, q fixity.Query) (recordings, bytes uint64, err error) {
	return c.DB.CountArchived(ctx, warehouse.ArchivedFilter(q))
}

func (c FixityCatalogue) ByID(ctx context.Context, ids []string) ([]call.RecordingStatus, error) {
	return c.DB.RecordingsByID(ctx, ids)
}

// Save writes the steps first, so that a row that says something has its history.
func (c FixityCatalogue) Save(ctx context.Context, rows []call.RecordingStatus, steps []call.Custody) error {
	if err := c.DB.AddCustody(ctx, steps); err != nil {
		return err
	}
	return c.DB.SaveRecordings(ctx, rows)
}

func (c FixityCatalogue) LastStep(ctx context.Context, rows []call.RecordingStatus, steps ...string) ([]time.Time, error) {
	last, err := c.DB.LastSteps(ctx, rows, steps...)
	if err != nil {
		return nil, err
	}
	type key struct{ integration, id string }
	at := map[key]time.Time{}
	for _, s := range last {
		at[key{s.Integration, s.RecordingID}] = s.At
	}
	out := make([]time.Time, len(rows))
	for i, r := range rows {
		out[i] = at[key{r.Integration, r.ID}]
	}
	return out, nil
}
