package archive

import (
	"context"
	"errors"
	"time"

	"fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fetch"
	"fonoteka/internal/queue"
)

// quarantine keeps damaged audio, once per digest, and lets the row say where.
// It is all there is until a later try brings a whole file, and perhaps all
// there will ever be. The recording goes on being tried.
func (a *Archiver) quarantine(ctx context.Context, row *call.RecordingStatus, job queue.Job, body *fetch.Body, f *fetch.Failure) (call.Custody, error) {
	format := audio.Format(f.Format).Or()
	key := bucket.QuarantineKey(row.Recording, body.SHA256, format)
	switch kept, err := a.pairs.SidecarAt(ctx, bucket.SidecarKey(key)); {
	case err == nil && kept.SHA256 == body.SHA256: // perhaps by a version that took it for another format
		key, format = kept.Key, audio.Format(kept.Format)
	case err != nil && !errors.Is(err, blob.ErrNotFound):
		a.m.infra.WithLabelValues("store").Inc()
		return call.Custody{}, err
	}
	now := a.opts.Now().UTC()
	side := bucket.Sidecar{
		Schema: bucket.SidecarSchema, Recording: row.Recording, Key: key, Format: string(format), SHA256: body.SHA256, Size: body.Size,
		Attempt: job.Attempt + 1, FetchedAt: now, StoredAt: now, Failure: f.Failure,
	}
	err := a.pairs.Put(ctx, side, body)
	if err == nil {
		a.m.quarantined.Inc()
	}
	if err == nil || errors.Is(err, blob.ErrExists) {
		side, _, err = a.pairs.PutSidecar(ctx, side)
	}
	if err != nil {
		a.m.infra.WithLabelValues("store").Inc()
		return call.Custody{}, err
	}
	row.State, row.Bucket, row.Key, row.SHA256, row.Size = call.Quarantined, a.opts.Bucket, key, body.SHA256, body.Size
	row.Format, row.KeptAttempt = side.Format, row.Attempt
	return call.Custody{
		Integration: row.Integration, RecordingID: row.ID, Step: "quarantined", At: side.StoredAt,
		SHA256: body.SHA256, Attempt: side.Attempt, Detail: key,
	}, nil
}

// keepFormer takes over what an earlier row holds that a failed try must not lose:
// where damaged audio is, and that a recording was given up once.
func keepFormer(row *call.RecordingStatus, before call.RecordingStatus) {
	switch before.State {
	case call.Quarantined:
		row.State, row.Bucket, row.Key, row.SHA256, row.Size = before.State, before.Bucket, before.Key, before.SHA256, before.Size
		row.Format, row.KeptAttempt = format(before.Key), before.KeptAttempt
	case call.Expired:
		row.State, row.DeniedAt, row.GivenUpAt = before.State, time.Time{}, before.GivenUpAt
	}
}
