package exports

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/export"
	"fonoteka/internal/pack"
	"fonoteka/internal/warehouse/trails"
)

// Checked is what the audit says of a package.
type Checked struct {
	Begin *audit.Row `json:"begin"` // the entry with which it was begun; null: the audit has no such entry
	End   *audit.Row `json:"end"`   // the one that names its tag manifest as it is; null: there is none
}

// Same says whether it is the package that this installation wrote.
func (c Checked) Same() bool { return c.Begin != nil && c.End != nil }

// Check looks for a package in the audit: by the entry of its audit-anchor.json, and by
// the digest of its tag manifest. That the audit itself was not changed is for
// audit.Trail.Verify.
func (db *DB) Check(ctx context.Context, begin pack.Entry, tagManifest [32]byte) (c Checked, err error) {
	named := export.EndDetail(hex.EncodeToString(tagManifest[:]))
	f := trails.Filter{Action: pack.BeginAction, From: begin.At.Truncate(time.Second), Limit: 1000}
	for {
		rows, err := trails.New(db.DB).ListAudit(ctx, f)
		if err != nil {
			return c, err
		}
		for _, r := range rows {
			switch {
			case r.Writer != begin.Writer:
			case r.Seq == begin.Seq && r.Hash == begin.Hash:
				c.Begin = &r
			case r.Seq > begin.Seq && r.Outcome == audit.Done && r.Target == begin.Target && strings.HasPrefix(r.Detail, named):
				c.End = &r
			}
		}
		if len(rows) < f.Limit {
			return c, nil
		}
		f.After = &rows[len(rows)-1]
	}
}
