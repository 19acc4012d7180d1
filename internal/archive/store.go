package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/queue"
)

// store puts a verified body, and leaves its sidecar and then the row to commit:
// neither needs the body, nor holds a place among the downloads.
func (a *Archiver) store(ctx context.Context, side Sidecar, body *Body) (commit, error) {
	side.Lock = rowLock(a.Store.LockNow(side.Key))
	if other, err := a.otherFormat(ctx, side); err != nil {
		return nil, err
	} else if other {
		return a.beside(ctx, side, body)
	}
	err := a.put(ctx, side, body)
	if errors.Is(err, blob.ErrExists) {
		return a.collide(ctx, side, body)
	}
	if err != nil {
		return nil, err
	}
	side.StoredAt = a.Now().UTC()
	return func(ctx context.Context) error {
		stored, at, err := a.putSidecarInTurn(ctx, side)
		if err != nil {
			a.m.infra.WithLabelValues("store").Inc()
			return err
		}
		if at != call.SidecarKey(side.Key) {
			return a.second(ctx, side)
		}
		return a.save(ctx, side.Recording, stored, nil)
	}, nil
}

// otherFormat reports whether a file of another format is stored already under the
// recording's stem, where the conditional put of this one would not meet it. That is
// not asked for an mp3, which most recordings are: its sidecar's put meets the other.
func (a *Archiver) otherFormat(ctx context.Context, side Sidecar) (bool, error) {
	if audio.Format(side.Format) == audio.MP3 {
		return false, nil
	}
	files, err := a.files(ctx, Stem(side.Recording))
	return len(files) > 0 && files[0].Key != side.Key, err
}

// put stores a body, or what is like one, under side's key.
func (a *Archiver) put(ctx context.Context, side Sidecar, body io.ReaderAt) error {
	return a.Store.Put(ctx, side.Key, body, blob.Put{
		Size: side.Size, SHA256: side.SHA256, ContentType: audio.Format(side.Format).ContentType(), Unretained: unretained(side.Key), Lock: lockOf(side),
	})
}

// collide ends a store whose key was taken in the meantime: by another worker
// with the same file, by an earlier try of ours whose answer was lost – or by
// another file, which then keeps its place, and ours goes beside it.
func (a *Archiver) collide(ctx context.Context, side Sidecar, body *Body) (commit, error) {
	taken, err := a.Store.Stat(ctx, side.Key)
	if err != nil {
		return nil, err
	}
	if taken, err = a.withDigest(ctx, taken); err != nil {
		return nil, err
	}
	if taken.SHA256 != side.SHA256 {
		return a.beside(ctx, side, body)
	}
	return a.finishStored(ctx, side)
}

// beside stores a body beside the first file of its recording.
func (a *Archiver) beside(ctx context.Context, side Sidecar, body *Body) (commit, error) {
	beside, err := a.putBeside(ctx, side, body)
	if err != nil {
		return nil, err
	}
	return a.finishStored(ctx, beside)
}

// putBeside stores a body with its sidecar beside the first file of its recording.
func (a *Archiver) putBeside(ctx context.Context, side Sidecar, body *Body) (Sidecar, error) {
	side.Key = call.BesideKey(side.Key, side.SHA256)
	if err := a.put(ctx, side, body); err != nil && !errors.Is(err, blob.ErrExists) {
		return side, err
	}
	side.StoredAt = a.Now().UTC()
	stored, _, err := a.putSidecar(ctx, side)
	if err == nil {
		a.conflict(ctx, side)
	}
	return stored, err
}

// second ends a store whose file was put into a first place, while another worker's
// file of another format was put into another and had its sidecar faster.
func (a *Archiver) second(ctx context.Context, side Sidecar) error {
	a.conflict(ctx, side)
	commit, err := a.finishStored(ctx, side)
	if err != nil {
		a.m.infra.WithLabelValues("store").Inc()
		return err
	}
	return commit(ctx)
}

func (a *Archiver) conflict(ctx context.Context, side Sidecar) {
	a.m.conflicts.Inc()
	a.Logger.WarnContext(ctx, "another file of the same recording", "key", side.Key, "format", side.Format)
}

// finishStored finishes the recording of a try whose own file is stored: what its row
// names is the first, or this one where that is gone from the store.
func (a *Archiver) finishStored(ctx context.Context, side Sidecar) (commit, error) {
	first, err := a.stored(ctx, side.Recording)
	if errors.Is(err, blob.ErrNotFound) {
		first, err = a.Store.Stat(ctx, side.Key)
	}
	if err != nil {
		return nil, err
	}
	return a.finish(ctx, side.Recording, queue.Job{Recording: side.Recording, Attempt: side.Attempt - 1}, first)
}

// stored finds the first file of a recording: the one that its sidecar names, or,
// where a crash has kept that from being written, what lies in a first place.
// ErrNotFound: there is none.
func (a *Archiver) stored(ctx context.Context, rec call.Recording) (blob.Object, error) {
	stem := Stem(rec)
	side, err := a.sidecarAt(ctx, stem+".json")
	switch {
	case err == nil && strings.HasPrefix(side.Key, stem+"."):
		return a.Store.Stat(ctx, side.Key)
	case err == nil:
		return blob.Object{}, fmt.Errorf("object %s.json: it names %s", stem, side.Key)
	case !errors.Is(err, blob.ErrNotFound):
		return blob.Object{}, err
	}
	files, err := a.files(ctx, stem)
	if err != nil {
		return blob.Object{}, err
	}
	if len(files) == 0 || !first(files[0].Key, stem) {
		return blob.Object{}, fmt.Errorf("looking for files of %s: %w", stem, blob.ErrNotFound)
	}
	return a.Store.Stat(ctx, files[0].Key)
}

// first reports whether a key is a place of the first file under a stem.
func first(key, stem string) bool { return strings.TrimSuffix(key, path.Ext(key)) == stem }

// maxFiles bounds the files of one recording that are looked at.
const maxFiles = 100

// files lists those of a recording, those in a first place first.
func (a *Archiver) files(ctx context.Context, stem string) (files []blob.Object, err error) {
	err = a.Store.List(ctx, stem+".", func(o blob.Object) bool {
		if _, ok := audio.OfKey(o.Key); ok {
			files = append(files, o)
		}
		return len(files) < maxFiles
	})
	slices.SortStableFunc(files, func(a, b blob.Object) int { return len(a.Key) - len(b.Key) })
	return files, err
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
func (a *Archiver) completeAll(ctx context.Context, rec call.Recording, job queue.Job, known ...Sidecar) ([]Sidecar, error) {
	files, err := a.files(ctx, Stem(rec))
	if err != nil {
		return nil, err
	}
	sides := known
	for _, o := range files {
		if slices.ContainsFunc(known, func(s Sidecar) bool { return s.Key == o.Key }) {
			continue
		}
		var side Sidecar
		if o, err = a.Store.Stat(ctx, o.Key); err == nil {
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
	var keys []string
	err := a.Store.List(ctx, Stem(rec)+".", func(o blob.Object) bool {
		keys = append(keys, o.Key)
		return len(keys) < 2*maxFiles
	})
	if err == nil {
		err = a.Store.ShareLock(ctx, keys...)
	}
	if err != nil && ctx.Err() == nil {
		a.m.infra.WithLabelValues("lock").Inc()
		a.Logger.WarnContext(ctx, "the files of a recording do not share a lock yet", "recording", rec.ID, "err", err)
	}
}

// chosen is the file of a recording that is played, and those of another digest.
func chosen(sides []Sidecar) (played Sidecar, others []Sidecar) {
	played = sides[call.Longest(sides)]
	seen := []string{played.SHA256}
	for _, s := range sides {
		if !slices.Contains(seen, s.SHA256) {
			seen, others = append(seen, s.SHA256), append(others, s)
		}
	}
	return played, others
}

// complete makes sure that an object has its sidecar, and returns it.
func (a *Archiver) complete(ctx context.Context, rec call.Recording, job queue.Job, object blob.Object) (Sidecar, error) {
	side, err := a.sidecarOf(ctx, object)
	if err == nil || !errors.Is(err, blob.ErrNotFound) {
		return side, err
	}
	if object, err = a.withDigest(ctx, object); err != nil {
		return Sidecar{}, err
	}
	found, err := a.examine(ctx, object)
	if err != nil {
		return Sidecar{}, err
	}
	lock, err := a.Store.Lock(ctx, object.Key, "")
	if err != nil {
		return Sidecar{}, err
	}
	side, _, err = a.putSidecar(ctx, Sidecar{
		Schema: SidecarSchema, Lock: rowLock(lock), Recording: rec, Key: object.Key, Format: format(object.Key), SHA256: object.SHA256, Size: object.Size,
		DurationMS: found.Duration.Milliseconds(), TextBefore: found.TextBefore, Attempt: job.Attempt + 1, FetchedAt: object.StoredAt, StoredAt: object.StoredAt,
	})
	return side, err
}

// format is what a stored object is by its key.
func format(key string) string {
	f, _ := audio.OfKey(key)
	return string(f)
}

// withDigest hashes an object whose store does not know its digest.
func (a *Archiver) withDigest(ctx context.Context, o blob.Object) (blob.Object, error) {
	if o.SHA256 != "" {
		return o, nil
	}
	r, _, err := a.Store.Get(ctx, o.Key)
	if err != nil {
		return o, err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return o, fmt.Errorf("hashing %s: %w", o.Key, err)
	}
	o.SHA256 = hex.EncodeToString(h.Sum(nil))
	return o, nil
}

// examine walks a stored object, which was verified before it was stored.
func (a *Archiver) examine(ctx context.Context, o blob.Object) (audio.Result, error) {
	r, _, err := a.Store.Get(ctx, o.Key)
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
func fetchedHow(s Sidecar) string {
	if s.Proxied {
		return "changed by a proxy (answer 203)"
	}
	return ""
}

// save writes the row of an object that is stored with its sidecar, and that others,
// of other digests, are kept beside.
func (a *Archiver) save(ctx context.Context, rec call.Recording, side Sidecar, others []Sidecar) error {
	now := a.Now().UTC()
	row := side.Row(a.Bucket) // nothing that the bucket does not know: the row can be rebuilt from it
	row.Conflicts = len(others)
	row.Attempt = max(row.Attempt, 1+len(others)) // each file took one: it holds against the row of a worker that knows of one alone
	steps := append(storedSteps(rec, side), step(rec, side, "archived", now, ""))
	for _, other := range others {
		steps = append(steps, step(rec, other, "conflict", now, other.Key))
	}
	if err := a.Catalogue.Save(ctx, row, steps...); err != nil {
		a.m.infra.WithLabelValues("catalogue").Inc()
		return err
	}
	a.outage.worked(ctx)
	a.outage.archived()
	a.m.archived.Inc()
	a.m.formats.WithLabelValues(string(audio.Format(row.Format).Or())).Inc()
	if !rec.AnnouncedAt.IsZero() {
		a.m.lag.Observe(max(now.Sub(rec.AnnouncedAt), 0).Seconds())
	}
	return nil
}

func step(rec call.Recording, side Sidecar, name string, at time.Time, detail string) call.Custody {
	return call.Custody{Integration: rec.Integration, RecordingID: rec.ID, Step: name, At: at, SHA256: side.SHA256, Attempt: side.Attempt, Detail: detail}
}

// storedSteps are the steps of a file until it is stored. Their times are those of the
// sidecar, so that a second run adds nothing new.
func storedSteps(rec call.Recording, side Sidecar) []call.Custody {
	return []call.Custody{
		step(rec, side, "fetched", side.FetchedAt, fetchedHow(side)), step(rec, side, "stored", side.StoredAt, side.Key),
		step(rec, side, "sidecar", side.StoredAt, call.SidecarKey(side.Key)),
	}
}
