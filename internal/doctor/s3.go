package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/embedded"
	"fonoteka/internal/fixity"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/words"
)

func examineS3(ctx context.Context, cfg *settings.Config) (_ Report, err error) {
	var values state.Values
	if cfg.S3URL == "" {
		v, stop, err := installation.Reach(ctx, cfg, []embedded.Store{embedded.StoreS3})
		if err != nil {
			return Report{}, err
		}
		defer func() { err = errors.Join(err, stop()) }()
		values = v
	}
	b, err := blob.Open(installation.BlobOptions(cfg, values))
	if err != nil {
		return Report{}, err
	}
	defer b.Close()
	where := b.Location()
	out := Report{Of: fmt.Sprintf("bucket %s at %s", where.Bucket, where.Endpoint)}
	if cfg.S3URL == "" {
		out.Of += " (embedded)"
	}
	answers := true
	for _, f := range b.Probe(ctx) {
		answers = answers && (f.Answer != No || f.Check != "reachable" && f.Check != "credentials")
		out.Findings = append(out.Findings, f)
	}
	if answers {
		out.Findings = append(out.Findings, askLocks(ctx, cfg, b))
	}
	return out, nil
}

// askLocks says whether what is archived is still locked as it was put: that the store
// can lock, and does so with what is put there now, says nothing of it.
func askLocks(ctx context.Context, cfg *settings.Config, b *blob.Bucket) (f Finding) {
	const check, shown = "locks", 5
	var looked, lost []call.RecordingStatus
	err := installation.UseWarehouse(ctx, cfg, func(db *warehouse.DB) error {
		rows := catalogue.New(db)
		c, err := fixity.New(fixity.Options{Rows: rows, Custody: rows, Store: b, Bucket: b.Name()})
		if err != nil {
			return err
		}
		if looked, err = c.LockSample(ctx); err == nil {
			lost, err = c.Unlocked(ctx, looked)
		}
		return err
	})
	switch {
	case errors.Is(err, state.ErrNone):
		return Finding{Check: check, Answer: NotNeeded, Means: "nothing is archived yet"}
	case err != nil:
		return Finding{Check: check, Answer: Unknown, Means: "whether what is archived is locked as it was cannot be asked", Do: "the catalogue must be up for it: see fonoteka doctor stores", Detail: err.Error()}
	case len(lost) > 0:
		var ids []string
		for _, r := range lost[:min(len(lost), shown)] {
			ids = append(ids, r.ID)
		}
		return Finding{
			Check: check, Answer: No,
			Means: fmt.Sprintf("%d of %s that were looked at have lost the lock that they were stored with: %s", len(lost), words.Count(len(looked), "recording"), strings.Join(ids, ", ")),
			Do:    "fonoteka serve locks them anew after its start, fonoteka scrub at once; a copy of the data folder must take extended attributes along (README: Backup)",
		}
	case len(looked) == 0:
		return Finding{Check: check, Answer: NotNeeded, Means: "the catalogue knows of no recording that is locked"}
	}
	return Finding{Check: check, Answer: Yes, Means: words.RecordingsAre(len(looked)) + " locked as the catalogue says, of those that were looked at: some drawn by lot, some of the last days"}
}
