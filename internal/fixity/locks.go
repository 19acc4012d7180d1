package fixity

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
)

// relocked is the step of custody of a recording whose lock was missing, or ended
// too soon, in the store.
const relocked = "locked anew"

// Relock compares what rows say is locked with the store: the object, its sidecar,
// and what is kept beside. What is missing there is locked anew, firmer and longer
// locks stay, and the chain of custody says so. It returns how many recordings had
// lost a lock, and how many of them still lack one. One whose lock can be read or set
// no more is counted, and tried again by the next check. An error means that the rest
// was not looked at: ctx ended, or the store or the warehouse is out.
func (c *Checker) Relock(ctx context.Context, rows []call.RecordingStatus) (lost, left int, err error) {
	var mu sync.Mutex
	var steps []call.Custody
	var unread, unset error
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Parallel)
	for _, row := range rows {
		if !c.opts.Now().Before(row.Lock.Until) {
			continue
		}
		g.Go(func() error {
			r := c.relock(inner, row)
			if (r.unread != nil || r.unset != nil) && (inner.Err() != nil || c.opts.Store.Ping(inner) != nil) {
				return errors.Join(r.unread, r.unset)
			}
			mu.Lock()
			defer mu.Unlock()
			if r.renewed > 0 {
				steps = append(steps, step(row, relocked, c.opts.Now().UTC(), row.SHA256,
					fmt.Sprintf("%s: objects %d, %s until %s", row.Key, r.renewed, row.Lock.Mode, row.Lock.Until.UTC().Format("2006-01-02T15:04:05Z"))))
			}
			switch {
			case r.unset != nil:
				lost, left, unset = lost+1, left+1, r.unset
				c.m.locked(lockFailed, c.opts.Now())
			case r.renewed > 0:
				lost++
				c.m.locked(lockRenewed, c.opts.Now())
			case r.unread == nil:
				c.m.locked(lockKept, c.opts.Now())
			}
			if r.unread != nil {
				unread = r.unread
				c.m.failures.WithLabelValues("locks").Inc()
			}
			return nil
		})
	}
	err = g.Wait()
	if lost > left {
		c.opts.Log.WarnContext(ctx, "the store had lost locks of recordings; they are locked anew", "recordings", lost-left)
	}
	if unset != nil {
		c.opts.Log.ErrorContext(ctx, "the store has lost locks of recordings, and does not take them anew", "recordings", left, "err", unset)
	}
	if unread != nil {
		c.opts.Log.WarnContext(ctx, "locks of some recordings cannot be read", "err", unread)
	}
	return lost, left, errors.Join(err, c.noteRelocked(ctx, steps))
}

// noteRelocked writes steps, and those that could not be written before, into the
// chain of custody.
func (c *Checker) noteRelocked(ctx context.Context, steps []call.Custody) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unsaved = append(c.unsaved, steps...); len(c.unsaved) == 0 {
		return nil
	}
	err := c.opts.Custody.Save(ctx, nil, c.unsaved)
	if err == nil {
		c.unsaved = nil
	}
	return err
}

// locks is what was done with those of one recording.
type locks struct {
	renewed int   // objects that had lost theirs
	unset   error // one could not be set anew
	unread  error // it is not known of one, and of those behind it
}

func (c *Checker) relock(ctx context.Context, row call.RecordingStatus) (r locks) {
	r.unread = c.eachLocked(ctx, row, func(key string, want blob.Lock) error {
		missed, err := c.opts.Store.LockAnew(ctx, key, want)
		switch {
		case missed && err != nil:
			r.unset = err
		case missed:
			r.renewed++
		default:
			return err
		}
		return nil
	})
	return r
}

// Unlocked tells which of rows, of those that the store was told to lock, have an
// object there that is not locked so. It changes nothing.
func (c *Checker) Unlocked(ctx context.Context, rows []call.RecordingStatus) (out []call.RecordingStatus, err error) {
	for _, row := range rows {
		if !c.opts.Now().Before(row.Lock.Until) {
			continue
		}
		lost := false
		err := c.eachLocked(ctx, row, func(key string, want blob.Lock) error {
			have, err := c.opts.Store.Lock(ctx, key, "")
			lost = lost || err == nil && c.opts.Now().Before(want.Until) && !have.Covers(want)
			return err
		})
		if err != nil {
			return out, err
		}
		if lost {
			out = append(out, row)
		}
	}
	return out, nil
}

// eachLocked calls each for every object of a recording with the lock that it was
// put with, as far as that is known. All files of a recording are kept as long as the
// row says, one beside it also as long as its own sidecar says. What is not there is
// passed over: that is another finding.
func (c *Checker) eachLocked(ctx context.Context, row call.RecordingStatus, each func(key string, want blob.Lock) error) error {
	try := func(key string, want blob.Lock) error {
		if err := each(key, want); err != nil && !errors.Is(err, blob.ErrNotFound) {
			return err
		}
		return nil
	}
	want, side := bucket.StoreLock(row.Lock), bucket.SidecarKey(row.Key)
	if err := errors.Join(try(row.Key, want), try(side, want)); err != nil {
		return err
	}
	stem, _, ok := bucket.Split(row.Key)
	if !ok || row.Conflicts == 0 && row.Former.Key == "" && row.Key == bucket.FirstKey(row.Key) {
		return nil // nothing is kept beside; a listing for each recording would cost more than all else here
	}
	var keys []string
	err := c.opts.Store.List(ctx, stem+".", func(o blob.Object) bool {
		if o.Key != row.Key && o.Key != side {
			keys = append(keys, o.Key)
		}
		return true
	})
	for _, key := range keys {
		if err == nil {
			err = try(key, want)
		}
		if err == nil && bucket.IsSidecar(key) {
			err = c.ownLock(ctx, key, try)
		}
	}
	return err
}

// ownLock calls each for a file beside and its sidecar with the lock that this says.
func (c *Checker) ownLock(ctx context.Context, sidecar string, each func(key string, want blob.Lock) error) error {
	side, err := c.unthrottled.SidecarAt(ctx, sidecar)
	if _, malformed := errors.AsType[*bucket.MalformedError](err); malformed || err == nil && bucket.SidecarKey(side.Key) != sidecar {
		return nil // it is not what was put there: a scrub of the row says more
	}
	if err != nil {
		return err
	}
	return errors.Join(each(side.Key, bucket.StoreLock(side.Lock)), each(sidecar, bucket.StoreLock(side.Lock)))
}
