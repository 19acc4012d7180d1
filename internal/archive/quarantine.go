package archive

import (
	"context"
	"errors"
	"strings"
	"time"

	"fonoteka/internal/audio"
	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/queue"
)

// quarantine keeps damaged audio, once per digest, and lets the row say where.
// It is all there is until a later try brings a whole file, and perhaps all
// there will ever be. The recording goes on being tried.
func (a *Archiver) quarantine(ctx context.Context, row *call.RecordingStatus, job queue.Job, body *Body, f *Failure) (call.Custody, error) {
	format := audio.Format(f.Format).Or()
	key := quarantineKey(row.Recording, body.SHA256, format)
	switch kept, err := a.sidecarAt(ctx, call.SidecarKey(key)); {
	case err == nil && kept.SHA256 == body.SHA256: // perhaps by a version that took it for another format
		key, format = kept.Key, audio.Format(kept.Format)
	case err != nil && !errors.Is(err, blob.ErrNotFound):
		a.m.infra.WithLabelValues("store").Inc()
		return call.Custody{}, err
	}
	now := a.Now().UTC()
	side := Sidecar{
		Schema: SidecarSchema, Recording: row.Recording, Key: key, Format: string(format), SHA256: body.SHA256, Size: body.Size,
		Attempt: job.Attempt + 1, FetchedAt: now, StoredAt: now, Failure: f.Failure,
	}
	err := a.put(ctx, side, body)
	if err == nil {
		a.m.quarantined.Inc()
	}
	if err == nil || errors.Is(err, blob.ErrExists) {
		side, _, err = a.putSidecar(ctx, side)
	}
	if err != nil {
		a.m.infra.WithLabelValues("store").Inc()
		return call.Custody{}, err
	}
	row.State, row.Bucket, row.Key, row.SHA256, row.Size = call.Quarantined, a.Bucket, key, body.SHA256, body.Size
	row.Format, row.KeptAttempt = side.Format, row.Attempt
	return call.Custody{
		Integration: row.Integration, RecordingID: row.ID, Step: "quarantined", At: side.StoredAt,
		SHA256: body.SHA256, Attempt: side.Attempt, Detail: key,
	}, nil
}

// unretained reports whether an object is stored without the configured lock. A
// server that sends other damage at every try would fill the bucket with what
// nobody can delete for years; what is kept here is a hint for people, and its
// digest stays in the chain of custody. A legal hold can be laid on it.
func unretained(key string) bool { return strings.HasPrefix(key, call.QuarantinePrefix) }

// carry keeps what an earlier row holds that a failed try must not lose: where
// damaged audio is, and that a recording was given up once.
func carry(row *call.RecordingStatus, before call.RecordingStatus) {
	switch before.State {
	case call.Quarantined:
		row.State, row.Bucket, row.Key, row.SHA256, row.Size = before.State, before.Bucket, before.Key, before.SHA256, before.Size
		row.Format, row.KeptAttempt = format(before.Key), before.KeptAttempt
	case call.Expired:
		row.State, row.DeniedAt, row.GivenUpAt = before.State, time.Time{}, before.GivenUpAt
	}
}
