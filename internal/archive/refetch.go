package archive

import (
	"context"
	"errors"
	"slices"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
	"fonoteka/internal/queue"
)

// refetched ends the try of a recording that is archived and short: a file has come.
// One that is stored already shows that the operator has no other, if it came call.Apart
// ago or more; another is stored beside. The longest of all is the recording then.
func (a *Archiver) refetched(ctx context.Context, side bucket.Sidecar, body *fetch.Body, row call.RecordingStatus) (Outcome, commit, error) {
	rec := side.Recording
	sides, err := a.storedSidecars(ctx, rec, queue.Job{Recording: rec, Attempt: side.Attempt - 1})
	if err != nil {
		a.m.infra.WithLabelValues("store").Inc()
		return "", nil, err
	}
	now, outcome := a.opts.Now().UTC(), Same
	row.Recording, row.Attempt, row.NextAttemptAt = rec, side.Attempt, row.FetchAgainAt(now)
	steps := []call.Custody{step(rec, side, "refetched", now, "the same file")}
	switch first := firstFetched(sides, side.SHA256); {
	case first.IsZero():
		if side, err = a.putBeside(ctx, side, body); err != nil {
			a.m.infra.WithLabelValues("store").Inc()
			return "", nil, err
		}
		a.shareLock(ctx, rec)
		outcome, sides = Another, append(sides, side)
		steps = append(storedSteps(rec, side), step(rec, side, "refetched", now, "another file"))
	case now.Sub(first) >= call.Apart:
		row.ShortConfirmedAt, row.NextAttemptAt = now.Truncate(time.Millisecond), time.Time{} // as it is stored
		steps[0].Detail += ": the operator has no other"
	}
	played, others := chosen(sides)
	row.Conflicts = len(others)
	if played.SHA256 != row.SHA256 { // else it may name a copy, as the first was damaged
		steps = append(steps, step(rec, played, "archived", now, "the longest file, "+played.Key))
		row = row.Playing(played.Row(a.opts.Bucket), now)
	}
	return outcome, func(ctx context.Context) error { return a.saveRefetched(ctx, row, steps) }, nil
}

// storedSidecars are those of what is stored of a recording, the first file's first.
func (a *Archiver) storedSidecars(ctx context.Context, rec call.Recording, job queue.Job) ([]bucket.Sidecar, error) {
	var known []bucket.Sidecar
	switch first, err := a.pairs.First(ctx, bucket.Stem(rec)); {
	case err == nil:
		side, err := a.complete(ctx, rec, job, first)
		if err != nil {
			return nil, err
		}
		known = append(known, side)
	case !errors.Is(err, blob.ErrNotFound): // it may have been lost
		return nil, err
	}
	return a.completeAll(ctx, rec, job, known...)
}

// firstFetched is when the file with a digest was fetched first; the zero time: never.
func firstFetched(sides []bucket.Sidecar, sha256 string) (at time.Time) {
	for _, s := range sides {
		if s.SHA256 == sha256 && (at.IsZero() || s.FetchedAt.Before(at)) {
			at = s.FetchedAt
		}
	}
	return at
}

// refetchFailed ends the try of a recording that is archived and short: nothing has come
// that is worth keeping. Where the server did not say that there is no such file, it is
// asked again a day later, and each hour of the link's last day, besides the plan.
func (a *Archiver) refetchFailed(ctx context.Context, rec call.Recording, job queue.Job, row call.RecordingStatus, f *fetch.Failure) commit {
	now := a.opts.Now().UTC()
	row.Recording, row.Attempt, row.NextAttemptAt = rec, job.Attempt+1, row.FetchAgainAt(now)
	if classOf(f.Kind).state == call.Retrying {
		at := now.Add(day)
		if !rec.ExpiresAt.IsZero() && !at.Before(rec.ExpiresAt) {
			at = now.Add(time.Hour)
		}
		if row.NextAttemptAt.IsZero() || at.Before(row.NextAttemptAt) {
			row.NextAttemptAt = at
		}
		if !rec.ExpiresAt.IsZero() && !row.NextAttemptAt.Before(rec.ExpiresAt) {
			row.NextAttemptAt = time.Time{}
		}
	}
	a.refresh(ctx, rec, f)
	steps := []call.Custody{{
		Integration: rec.Integration, RecordingID: rec.ID, Step: "failed", At: now, Attempt: row.Attempt, Detail: string(f.Kind),
	}}
	return func(ctx context.Context) error { return a.saveRefetched(ctx, row, steps) }
}

func (a *Archiver) saveRefetched(ctx context.Context, row call.RecordingStatus, steps []call.Custody) error {
	err := a.opts.Catalogue.Save(ctx, row, slices.Clone(steps)...)
	if err != nil {
		a.m.infra.WithLabelValues("catalogue").Inc()
		return err
	}
	a.outage.Note(nil)
	return nil
}
