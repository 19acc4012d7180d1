package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
	"fonoteka/internal/queue"
)

// store puts a verified body, and leaves its sidecar and then the row to commit:
// neither needs the body, nor holds a slot of the downloads.
func (a *Archiver) store(ctx context.Context, side bucket.Sidecar, body *fetch.Body) (commit, error) {
	side.Lock = bucket.RowLock(a.opts.Store.LockNow(side.Key))
	if other, err := a.otherFormat(ctx, side); err != nil {
		return nil, err
	} else if other {
		return a.beside(ctx, side, body)
	}
	err := a.pairs.Put(ctx, side, body)
	if errors.Is(err, blob.ErrExists) {
		return a.keyTaken(ctx, side, body)
	}
	if err != nil {
		return nil, err
	}
	side.StoredAt = a.opts.Now().UTC()
	return func(ctx context.Context) error {
		stored, at, err := a.putSidecarInTurn(ctx, side)
		if err != nil {
			a.m.infra.WithLabelValues("store").Inc()
			return err
		}
		if at != bucket.SidecarKey(side.Key) {
			return a.beatenByOtherFormat(ctx, side)
		}
		return a.save(ctx, side.Recording, stored, nil)
	}, nil
}

// otherFormat reports whether a file of another format is stored already under the
// recording's stem, where the conditional put of this one would not meet it. That is
// not asked for an mp3, which most recordings are: its sidecar's put meets the other.
func (a *Archiver) otherFormat(ctx context.Context, side bucket.Sidecar) (bool, error) {
	if audio.Format(side.Format) == audio.MP3 {
		return false, nil
	}
	files, err := a.pairs.Files(ctx, bucket.Stem(side.Recording))
	return len(files) > 0 && files[0].Key != side.Key, err
}

// putSidecarInTurn puts a sidecar for those who hold no slot of the downloads: as many
// at once as there are such slots.
func (a *Archiver) putSidecarInTurn(ctx context.Context, s bucket.Sidecar) (stored bucket.Sidecar, at string, err error) {
	if refused := a.sidecars.do(ctx, false, func() { stored, at, err = a.pairs.PutSidecar(ctx, s) }); refused != nil {
		return s, "", refused
	}
	return stored, at, err
}

// keyTaken ends a store whose key was taken in the meantime: by another worker
// with the same file, by an earlier try of ours whose answer was lost – or by
// another file, which then keeps its place, and ours goes beside it.
func (a *Archiver) keyTaken(ctx context.Context, side bucket.Sidecar, body *fetch.Body) (commit, error) {
	taken, err := a.opts.Store.Stat(ctx, side.Key)
	if err != nil {
		return nil, err
	}
	if taken, err = a.pairs.WithDigest(ctx, taken); err != nil {
		return nil, err
	}
	if taken.SHA256 != side.SHA256 {
		return a.beside(ctx, side, body)
	}
	return a.finishStored(ctx, side)
}

// beside stores a body beside the first file of its recording.
func (a *Archiver) beside(ctx context.Context, side bucket.Sidecar, body *fetch.Body) (commit, error) {
	beside, err := a.putBeside(ctx, side, body)
	if err != nil {
		return nil, err
	}
	return a.finishStored(ctx, beside)
}

// putBeside stores a body with its sidecar beside the first file of its recording.
func (a *Archiver) putBeside(ctx context.Context, side bucket.Sidecar, body *fetch.Body) (bucket.Sidecar, error) {
	side.Key = bucket.BesideKey(side.Key, side.SHA256)
	if err := a.pairs.Put(ctx, side, body); err != nil && !errors.Is(err, blob.ErrExists) {
		return side, err
	}
	side.StoredAt = a.opts.Now().UTC()
	stored, _, err := a.pairs.PutSidecar(ctx, side)
	if err == nil {
		a.conflict(ctx, side)
	}
	return stored, err
}

// beatenByOtherFormat ends a store whose file was put into a first place, while another
// worker's file of another format was put into another and had its sidecar faster.
func (a *Archiver) beatenByOtherFormat(ctx context.Context, side bucket.Sidecar) error {
	a.conflict(ctx, side)
	commit, err := a.finishStored(ctx, side)
	if err != nil {
		a.m.infra.WithLabelValues("store").Inc()
		return err
	}
	return commit(ctx)
}

func (a *Archiver) conflict(ctx context.Context, side bucket.Sidecar) {
	a.m.conflicts.Inc()
	a.opts.Log.WarnContext(ctx, "another file of the same recording", "key", side.Key, "format", side.Format)
}

// finishStored finishes the recording of a try whose own file is stored: what its row
// names is the first, or this one where that is gone from the store.
func (a *Archiver) finishStored(ctx context.Context, side bucket.Sidecar) (commit, error) {
	first, err := a.pairs.First(ctx, bucket.Stem(side.Recording))
	if errors.Is(err, blob.ErrNotFound) {
		first, err = a.opts.Store.Stat(ctx, side.Key)
	}
	if err != nil {
		return nil, err
	}
	return a.finish(ctx, side.Recording, queue.Job{Recording: side.Recording, Attempt: side.Attempt - 1}, first)
}

// finish makes up for what is missing after an object that is stored already. The row
// names the longest file of the recording.
func (a *Archiver) finish(ctx context.Context, rec call.Recording, job queue.Job, object blob.Object) (commit, error) {
	side, err := a.complete(ctx, rec, job, object)
	if err != nil {
		return nil, err
	}
	sides, err := a.completeAll(ctx, rec, job, side)
	if err != nil {
		return nil, err
	}
	played, others := chosen(sides)
	return func(ctx context.Context) error { return a.save(ctx, rec, played, others) }, nil
}

// completeAll makes sure that all files of a recording have their sidecars and one
// lock, and returns the sidecars. known are those that are complete.
func (a *Archiver) completeAll(ctx context.Context, rec call.Recording, job queue.Job, known ...bucket.Sidecar) ([]bucket.Sidecar, error) {
	files, err := a.pairs.Files(ctx, bucket.Stem(rec))
	if err != nil {
		return nil, err
	}
	sides := known
	for _, o := range files {
		if slices.ContainsFunc(known, func(s bucket.Sidecar) bool { return s.Key == o.Key }) {
			continue
		}
		var side bucket.Sidecar
		if o, err = a.opts.Store.Stat(ctx, o.Key); err == nil {
			side, err = a.complete(ctx, rec, job, o)
		}
		if err != nil {
			return nil, err
		}
		sides = append(sides, side)
	}
	if len(sides) > 1 {
		a.shareLock(ctx, rec)
	}
	return sides, nil
}

// shareLock has all objects of a recording kept as well as the one that is kept best. A
// store that refuses that keeps no file from being archived; scrub does it again.
func (a *Archiver) shareLock(ctx context.Context, rec call.Recording) {
	if err := a.pairs.ShareLock(ctx, bucket.Stem(rec)); err != nil && ctx.Err() == nil {
		a.m.infra.WithLabelValues("lock").Inc()
		a.opts.Log.WarnContext(ctx, "the files of a recording do not share a lock yet", "recording", rec.ID, "err", err)
	}
}

// chosen is the file of a recording that is played, and those of another digest.
func chosen(sides []bucket.Sidecar) (played bucket.Sidecar, others []bucket.Sidecar) {
	played = sides[bucket.Longest(sides)]
	seen := []string{played.SHA256}
	for _, s := range sides {
		if !slices.Contains(seen, s.SHA256) {
			seen, others = append(seen, s.SHA256), append(others, s)
		}
	}
	return played, others
}

// complete makes sure that an object has its sidecar, and returns it.
func (a *Archiver) complete(ctx context.Context, rec call.Recording, job queue.Job, object blob.Object) (bucket.Sidecar, error) {
	side, err := a.pairs.SidecarOf(ctx, object)
	if err == nil || !errors.Is(err, blob.ErrNotFound) {
		return side, err
	}
	if object, err = a.pairs.WithDigest(ctx, object); err != nil {
		return bucket.Sidecar{}, err
	}
	found, err := a.examine(ctx, object)
	if err != nil {
		return bucket.Sidecar{}, err
	}
	lock, err := a.opts.Store.Lock(ctx, object.Key, "")
	if err != nil {
		return bucket.Sidecar{}, err
	}
	side, _, err = a.pairs.PutSidecar(ctx, bucket.Sidecar{
		Schema: bucket.SidecarSchema, Lock: bucket.RowLock(lock), Recording: rec, Key: object.Key, Format: format(object.Key), SHA256: object.SHA256, Size: object.Size,
		DurationMS: found.Duration.Milliseconds(), TextBefore: found.TextBefore, Attempt: job.Attempt + 1, FetchedAt: object.StoredAt, StoredAt: object.StoredAt,
	})
	return side, err
}

// format is what a stored object is by its key.
func format(key string) string {
	f, _ := audio.OfKey(key)
	return string(f)
}

// examine walks a stored object, which was verified before it was stored.
func (a *Archiver) examine(ctx context.Context, o blob.Object) (audio.Result, error) {
	r, _, err := a.opts.Store.Get(ctx, o.Key)
	if err != nil {
		return audio.Result{}, err
	}
	defer r.Close()
	res, err := audio.Verify(r)
	if err != nil {
		return res, fmt.Errorf("stored object %s: %w", o.Key, err)
	}
	return res, nil
}

// fetchedHow is what the chain of custody says of the way a file came.
func fetchedHow(s bucket.Sidecar) string {
	if s.Proxied {
		return "changed by a proxy (answer 203)"
	}
	return ""
}

// save writes the row of an object that is stored with its sidecar, and that others,
// of other digests, are kept beside.
func (a *Archiver) save(ctx context.Context, rec call.Recording, side bucket.Sidecar, others []bucket.Sidecar) error {
	now := a.opts.Now().UTC()
	row := side.Row(a.opts.Bucket) // nothing that the bucket does not know: the row can be rebuilt from it
	row.Conflicts = len(others)
	row.Attempt = max(row.Attempt, 1+len(others)) // each file took one: it holds against the row of a worker that knows of one alone
	steps := append(storedSteps(rec, side), step(rec, side, "archived", now, ""))
	for _, other := range others {
		steps = append(steps, step(rec, other, "conflict", now, other.Key))
	}
	if err := a.opts.Catalogue.Save(ctx, row, steps...); err != nil {
		a.m.infra.WithLabelValues("catalogue").Inc()
		return err
	}
	a.outage.Note(nil)
	a.outage.archived()
	a.m.archived.Inc()
	a.m.formats.WithLabelValues(string(audio.Format(row.Format).Or())).Inc()
	if !rec.AnnouncedAt.IsZero() {
		a.m.lag.Observe(max(now.Sub(rec.AnnouncedAt), 0).Seconds())
	}
	return nil
}

func step(rec call.Recording, side bucket.Sidecar, name string, at time.Time, detail string) call.Custody {
	return call.Custody{Integration: rec.Integration, RecordingID: rec.ID, Step: name, At: at, SHA256: side.SHA256, Attempt: side.Attempt, Detail: detail}
}

// storedSteps are the steps of a file until it is stored. Their times are those of the
// sidecar, so that a second run adds nothing new.
func storedSteps(rec call.Recording, side bucket.Sidecar) []call.Custody {
	return []call.Custody{
		step(rec, side, "fetched", side.FetchedAt, fetchedHow(side)), step(rec, side, "stored", side.StoredAt, side.Key),
		step(rec, side, "sidecar", side.StoredAt, bucket.SidecarKey(side.Key)),
	}
}
