package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/mp3"
	"fonoteka/internal/queue"
)

// store puts a verified body, and leaves its sidecar and then the row to commit:
// neither needs the body, nor holds a place among the downloads.
func (a *Archiver) store(ctx context.Context, side Sidecar, body *Body) (commit, error) {
	err := a.put(ctx, side.Key, side, body)
	if errors.Is(err, blob.ErrExists) {
		return a.collide(ctx, side, body)
	}
	if err != nil {
		return nil, err
	}
	side.StoredAt = a.Now().UTC()
	return func(ctx context.Context) error {
		side, err := a.putSidecarInTurn(ctx, side)
		if err != nil {
			a.m.infra.WithLabelValues("store").Inc()
			return err
		}
		return a.save(ctx, side.Recording, side, nil)
	}, nil
}

func (a *Archiver) put(ctx context.Context, key string, side Sidecar, body io.ReaderAt) error {
	return a.Store.Put(ctx, key, body, blob.Put{Size: side.Size, SHA256: side.SHA256, ContentType: "audio/mpeg", Unretained: unretained(key)})
}

// collide ends a store whose key was taken in the meantime: by another worker
// with the same file, by an earlier try of ours whose answer was lost – or by
// another file, which then keeps its place, and ours goes beside it.
func (a *Archiver) collide(ctx context.Context, side Sidecar, body *Body) (commit, error) {
	first, err := a.Store.Stat(ctx, side.Key)
	if err != nil {
		return nil, err
	}
	if first, err = a.withDigest(ctx, first); err != nil {
		return nil, err
	}
	job := queue.Job{Recording: side.Recording, Attempt: side.Attempt - 1}
	if first.SHA256 != side.SHA256 {
		beside := side
		beside.Key = besideKey(side.Key, side.SHA256)
		if err := a.put(ctx, beside.Key, beside, body); err != nil && !errors.Is(err, blob.ErrExists) {
			return nil, err
		}
		beside.StoredAt = a.Now().UTC()
		if _, err := a.putSidecar(ctx, beside); err != nil {
			return nil, err
		}
		a.m.conflicts.Inc()
		a.Logger.WarnContext(ctx, "another file under the same key", "key", side.Key)
	}
	return a.finish(ctx, side.Recording, job, first)
}

// finish makes up for what is missing after an object that is stored already.
func (a *Archiver) finish(ctx context.Context, rec call.Recording, job queue.Job, object blob.Object) (commit, error) {
	side, err := a.complete(ctx, rec, job, object)
	if err != nil {
		return nil, err
	}
	var others []string
	prefix := strings.TrimSuffix(object.Key, ".mp3") + "."
	err = a.Store.List(ctx, prefix, func(o blob.Object) bool {
		if o.Key != object.Key && strings.HasSuffix(o.Key, ".mp3") {
			others = append(others, o.Key)
		}
		return len(others) < 100
	})
	if err != nil {
		return nil, err
	}
	for _, key := range others {
		o, err := a.Store.Stat(ctx, key)
		if err == nil {
			_, err = a.complete(ctx, rec, job, o)
		}
		if err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context) error { return a.save(ctx, rec, side, others) }, nil
}

// complete makes sure that an object has its sidecar, and returns it.
func (a *Archiver) complete(ctx context.Context, rec call.Recording, job queue.Job, object blob.Object) (Sidecar, error) {
	side, err := a.readSidecar(ctx, object.Key)
	if err == nil || !errors.Is(err, blob.ErrNotFound) {
		return side, err
	}
	if object, err = a.withDigest(ctx, object); err != nil {
		return Sidecar{}, err
	}
	length, err := a.playTime(ctx, object)
	if err != nil {
		return Sidecar{}, err
	}
	return a.putSidecar(ctx, Sidecar{
		Schema: SidecarSchema, Recording: rec, Key: object.Key, SHA256: object.SHA256, Size: object.Size,
		DurationMS: length.Milliseconds(), Attempt: job.Attempt + 1, FetchedAt: object.StoredAt, StoredAt: object.StoredAt,
	})
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

// playTime walks a stored object, which was verified before it was stored.
func (a *Archiver) playTime(ctx context.Context, o blob.Object) (time.Duration, error) {
	r, _, err := a.Store.Get(ctx, o.Key)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	res, err := mp3.Scan(r)
	if err != nil {
		return 0, fmt.Errorf("stored object %s: %w", o.Key, err)
	}
	return res.Duration, nil
}

// fetchedHow is what the chain of custody says of the way a file came.
func fetchedHow(s Sidecar) string {
	if s.Proxied {
		return "changed by a proxy (answer 203)"
	}
	return ""
}

// save writes the row of an object that is stored with its sidecar.
func (a *Archiver) save(ctx context.Context, rec call.Recording, side Sidecar, others []string) error {
	now := a.Now().UTC()
	row := side.Row(a.Bucket) // nothing that the bucket does not know: the row can be rebuilt from it
	step := func(name string, at time.Time, detail string) call.Custody {
		return call.Custody{
			Integration: rec.Integration, RecordingID: rec.ID, Step: name, At: at,
			SHA256: side.SHA256, Attempt: side.Attempt, Detail: detail,
		}
	}
	// Times before the last step's are the stored ones, so that a second run adds nothing new.
	steps := []call.Custody{
		step("fetched", side.FetchedAt, fetchedHow(side)), step("stored", side.StoredAt, side.Key),
		step("sidecar", side.StoredAt, sidecarKey(side.Key)), step("archived", now, ""),
	}
	if len(others) > 0 {
		row.Conflicts = len(others)
		for _, key := range others {
			steps = append(steps, step("conflict", now, key))
		}
	}
	if err := a.Catalogue.Save(ctx, row, steps...); err != nil {
		a.m.infra.WithLabelValues("catalogue").Inc()
		return err
	}
	a.outage.worked(ctx)
	a.outage.archived()
	a.m.archived.Inc()
	if !rec.AnnouncedAt.IsZero() {
		a.m.lag.Observe(max(now.Sub(rec.AnnouncedAt), 0).Seconds())
	}
	return nil
}
