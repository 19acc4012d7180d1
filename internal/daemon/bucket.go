package daemon

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/run"
)

// sayRetention tells the log what cannot be undone later.
func sayRetention(r blob.Retention, log *slog.Logger) {
	switch r.Mode {
	case blob.Compliance:
		log.Warn("each recording is locked when it is stored: nobody, not the administrator either, can delete it before the date", "mode", r.Mode, "for", r.For)
	case blob.Governance:
		log.Info("each recording is locked when it is stored: only who has a special right in the store can delete it before the date", "mode", r.Mode, "for", r.For)
	}
}

// ensureBucket is one try. A bucket that does not suit the configuration stays
// so until a person acts: that is said at once, and asked again seldom.
func (p *pipeline) ensureBucket(ctx context.Context) error {
	err := p.blob.EnsureBucket(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	p.ready.bucketFault.Store(&err)
	if errors.Is(err, blob.ErrNoLock) || errors.Is(err, blob.ErrNotEncrypted) {
		p.log.Error("nothing is archived: the bucket does not suit the configuration (fonoteka doctor s3 tells more)", "err", err)
		run.Sleep(ctx, 20*time.Second)
	}
	return err
}

// bucketReady is nil once recordings can be stored, and else says why not.
func (r *readiness) bucketReady() error {
	if r.bucket.Load() {
		return nil
	}
	if why := r.bucketFault.Load(); why != nil {
		return *why
	}
	return errors.New("the bucket is not there yet")
}
