package token

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fonoteka/internal/mtt"
)

// unsaved is an answer of the operator's that the disk did not take.
type unsaved struct {
	instead string // the refresh token it was got with
	record  record
}

// alone does something to the record while nobody else does, in any process.
func (k *Keeper) alone(ctx context.Context, do func(record) error) (err error) {
	release, err := k.o.Store.Lock(ctx, k.o.Integration)
	if err != nil {
		return fmt.Errorf("integration %s: %w", k.o.Integration, err)
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

// renew refreshes the tokens, unless they do not want it any more when it is our
// turn.
func (k *Keeper) renew(ctx context.Context, wanted func(record) (bool, error)) (renewed record, err error) {
	err = k.alone(ctx, func(r record) error {
		if r, err = k.saveLate(r); err != nil {
			return err
		}
		if want, err := wanted(r); !want {
			renewed = r
			return err
		}
		// Whoever asked may leave: an answer that nobody waits for may be a login lost.
		renewed, err = k.refresh(context.WithoutCancel(ctx), r)
		return err
	})
	return renewed, err
}

// refresh is steps 2 to 4 of the package comment.
func (k *Keeper) refresh(ctx context.Context, r record) (record, error) {
	now := k.o.Now()
	c := k.credentials(r)
	oauth, err := k.oauth(c)
	switch {
	case err != nil:
		return record{}, err
	case r.Refresh == "":
		return record{}, fmt.Errorf("integration %s has no tokens: %w", k.o.Integration, ErrLogin)
	case !r.renewable(now):
		return record{}, fmt.Errorf("the refresh token of integration %s has ended: %w", k.o.Integration, ErrLogin)
	case r.Client != c.ClientID:
		return record{}, fmt.Errorf("the tokens of integration %s are another client's: %w", k.o.Integration, ErrLogin)
	case r.Refused && now.Before(r.dueAt()):
		return record{}, fmt.Errorf("integration %s: %s: %w", k.o.Integration, r.Failure, ErrLogin)
	case !r.FailingSince.IsZero() && now.Before(r.FailedAt.Add(shortest)): // many may be asking
		return record{}, fmt.Errorf("integration %s, a moment ago: %s", k.o.Integration, r.Failure)
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
	instead := r.Refresh
	r = r.granted(g, c.ClientID, now)
	if err := k.insist(r); err != nil {
		k.unsaved = &unsaved{instead, r}
		k.metrics.count("not_saved")
		k.o.Log.Error("new tokens could not be saved, and are not used before they are", "integration", k.o.Integration, "err", err)
		return record{}, err
	}
	k.metrics.count("ok")
	k.o.Log.Info("tokens refreshed", "integration", k.o.Integration)
	return r, nil
}

// fail notes a failure of the operator's.
func (k *Keeper) fail(r record, err error) error {
	refused := errors.Is(err, mtt.ErrGrantRefused)
	outcome := "failed"
	if refused {
		outcome = "refused"
	}
	k.metrics.count(outcome)
	k.o.Log.Warn("tokens could not be refreshed", "integration", k.o.Integration, "refused", refused, "err", err)
	if saveErr := k.save(r.failed(err, refused, k.o.Now())); saveErr != nil {
		err = errors.Join(err, saveErr)
	}
	if refused {
		return fmt.Errorf("integration %s: %w: %w", k.o.Integration, err, ErrLogin)
	}
	return fmt.Errorf("integration %s: %w", k.o.Integration, err)
}

// insist saves what must not be lost; a disk may be full for a moment.
func (k *Keeper) insist(r record) (err error) {
	for try := range 5 {
		if err = k.save(r); err == nil {
			return nil
		}
		time.Sleep(time.Duration(try+1) * 100 * time.Millisecond)
	}
	return err
}

// saveLate saves an answer that could not be saved before, unless somebody else
// has exchanged the same token meanwhile. It returns what is on disk then.
func (k *Keeper) saveLate(r record) (record, error) {
	late := k.unsaved
	if late == nil || r.Refresh != late.instead {
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
