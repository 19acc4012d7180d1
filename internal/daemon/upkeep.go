package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"fonoteka/internal/run"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
)

// upkeep looks again and again at what was archived: which links of a call brought one
// file, and which recordings are shorter than their talk.
type upkeep struct {
	db    *warehouse.DB
	ready *readiness
	log   *slog.Logger
}

// markCopies finds the links of one call that brought the same file, as far as they
// were archived since the last look; at the start all.
func (u *upkeep) markCopies(ctx context.Context) error {
	u.ready.awaitTables(ctx)
	const every, overlap = 5 * time.Second, time.Minute // rows bear the time of another clock
	for since := (time.Time{}); ctx.Err() == nil; run.Sleep(ctx, every) {
		began := time.Now()
		changed, err := catalogue.New(u.db).MarkCopies(ctx, since)
		switch {
		case err == nil:
			since = began.Add(-overlap)
		case ctx.Err() == nil:
			u.log.WarnContext(ctx, "copies cannot be looked for, goes on trying", "err", err)
		}
		if changed > 0 {
			u.log.InfoContext(ctx, "links of one call brought the same file", "recordings", changed)
		}
	}
	return nil
}

// shortPosition is the name under which the warehouse keeps until when rows were judged.
const shortPosition = "short recordings"

// judgeShort finds recordings that are short among those archived since the last look,
// also of another process; the deriver judges those whose CDR comes later. Where
// nothing is kept of a look, all that the operator still has are judged.
func (u *upkeep) judgeShort(ctx context.Context) error {
	u.ready.awaitTables(ctx)
	const every, kept = 5 * time.Second, time.Minute
	var since, stored time.Time
	loaded := false
	for ; ctx.Err() == nil; run.Sleep(ctx, every) {
		err := error(nil)
		if !loaded {
			since, err = u.loadTime(ctx, shortPosition)
			loaded, stored = err == nil, since
		}
		changed := 0
		if err == nil {
			since, changed, err = catalogue.New(u.db).JudgeArchived(ctx, since, time.Now())
		}
		if err == nil && since.Sub(stored) >= kept {
			if err = u.db.SetProgress(ctx, shortPosition, since.Format(time.RFC3339Nano)); err == nil {
				stored = since
			}
		}
		if err != nil && ctx.Err() == nil {
			u.log.WarnContext(ctx, "short recordings cannot be looked for, goes on trying", "err", err)
		}
		if changed > 0 {
			u.log.InfoContext(ctx, "recordings were compared with their calls' talk", "changed", changed)
		}
	}
	return nil
}

// loadTime reads a position that is a time; the zero time: none is kept.
func (u *upkeep) loadTime(ctx context.Context, name string) (t time.Time, err error) {
	text, err := u.db.Progress(ctx, name)
	if err != nil || text == "" {
		return t, err
	}
	if t, err = time.Parse(time.RFC3339Nano, text); err != nil {
		err = fmt.Errorf("position of %s: %w", name, err)
	}
	return t, err
}
