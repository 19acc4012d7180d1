package token

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fonoteka/internal/mtt"
)

// unsaved is an answer of the operator's that could not be saved.
type unsaved struct {
	replaces string // the refresh token that was exchanged for it
	record   record
}

// exclusively calls do with the record while no other goroutine or process may change it.
func (k *Keeper) exclusively(ctx context.Context, do func(record) error) (err error) {
	release, err := k.opts.Store.Lock(ctx, k.opts.Integration)
	if err != nil {
		return fmt.Errorf("integration %s: %w", k.opts.Integration, err)
	}
	defer func() { err = errors.Join(err, release()) }()
	k.mu.Lock()
	defer k.mu.Unlock()
	r, err := k.load()
	if err != nil {
		return err
	}
	return do(r)
}

// renew refreshes the tokens if wanted still says so once we have the lock.
func (k *Keeper) renew(ctx context.Context, wanted func(record) (bool, error)) (renewed record, err error) {
	err = k.exclusively(ctx, func(r record) error {
		if r, err = k.saveUnsaved(r); err != nil {
			return err
		}
		if want, err := wanted(r); !want {
			renewed = r
			return err
		}
		// The caller may give up, but the answer must be saved: else a login may be lost.
		renewed, err = k.refresh(context.WithoutCancel(ctx), r)
		return err
	})
	return renewed, err
}

// refresh is steps 2 to 4 of the package comment.
func (k *Keeper) refresh(ctx context.Context, r record) (record, error) {
	now := k.opts.Now()
	c := k.credentials(r)
	oauth, err := k.oauth(c)
	switch {
	case err != nil:
		return record{}, err
	case r.Refresh == "":
		return record{}, fmt.Errorf("integration %s has no tokens: %w", k.opts.Integration, ErrLogin)
	case !r.renewable(now):
		return record{}, fmt.Errorf("the refresh token of integration %s has ended: %w", k.opts.Integration, ErrLogin)
	case r.Client != c.ClientID:
		return record{}, fmt.Errorf("the tokens of integration %s are another client's: %w", k.opts.Integration, ErrLogin)
	case r.Refused && now.Before(r.dueAt()):
		return record{}, fmt.Errorf("integration %s: %s: %w", k.opts.Integration, r.Failure, ErrLogin)
	case !r.FailingSince.IsZero() && now.Before(r.FailedAt.Add(minPause)): // many callers may ask at once
		return record{}, fmt.Errorf("integration %s, a moment ago: %s", k.opts.Integration, r.Failure)
	}
	r.BegunAt = now
	if err := k.save(r); err != nil {
		k.metrics.count("not_saved")
		return record{}, err
	}
	g, err := oauth.Refresh(ctx, r.Refresh)
	if err != nil {
		return record{}, k.fail(r, err)
	}
	replaces := r.Refresh
	r = r.granted(g, c.ClientID, now)
	if err := k.saveRetrying(r); err != nil {
		k.unsaved = &unsaved{replaces, r}
		k.metrics.count("not_saved")
		k.opts.Log.Error("new tokens cannot be saved, they are not used before", "integration", k.opts.Integration, "err", err)
		return record{}, err
	}
	k.metrics.count("ok")
	k.opts.Log.Info("tokens refreshed", "integration", k.opts.Integration)
	return r, nil
}

// fail saves, counts and logs that the operator did not refresh the tokens.
func (k *Keeper) fail(r record, err error) error {
	refused := errors.Is(err, mtt.ErrGrantRefused)
	outcome := "failed"
	if refused {
		outcome = "refused"
	}
	k.metrics.count(outcome)
	k.opts.Log.Warn("tokens could not be refreshed", "integration", k.opts.Integration, "refused", refused, "err", err)
	if saveErr := k.save(r.failed(err, refused, k.opts.Now())); saveErr != nil {
		err = errors.Join(err, saveErr)
	}
	if refused {
		return fmt.Errorf("integration %s: %w: %w", k.opts.Integration, err, ErrLogin)
	}
	return fmt.Errorf("integration %s: %w", k.opts.Integration, err)
}

// saveRetrying saves what must not be lost, retrying for some time: a disk may be full for
// a moment.
func (k *Keeper) saveRetrying(r record) (err error) {
	for try := range 5 {
		if err = k.save(r); err == nil {
			return nil
		}
		time.Sleep(time.Duration(try+1) * 100 * time.Millisecond)
	}
	return err
}

// saveUnsaved saves an answer that could not be saved before, unless another process
// has exchanged the same token meanwhile. It returns the record that is then on disk.
func (k *Keeper) saveUnsaved(r record) (record, error) {
	late := k.unsaved
	if late == nil || r.Refresh != late.replaces {
		k.unsaved = nil
		return r, nil
	}
	if err := k.save(late.record); err != nil {
		k.metrics.count("not_saved")
		return record{}, err
	}
	k.metrics.count("ok")
	k.unsaved = nil
	return late.record, nil
}
