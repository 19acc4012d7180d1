package fixity

import (
	"context"

	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
)

// rowsOf reads the rows of what the bucket holds, by recording id.
func (c *Checker) rowsOf(ctx context.Context, hs []bucket.Holdings) (map[string][]call.RecordingStatus, error) {
	ids := make([]string, len(hs))
	for i, h := range hs {
		ids[i] = h.ID
	}
	rows, err := c.opts.Rows.ByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := map[string][]call.RecordingStatus{}
	for _, r := range rows {
		out[r.ID] = append(out[r.ID], r)
	}
	return out, nil
}
