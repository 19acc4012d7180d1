package fixity

import (
	"context"
	"fmt"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
)

// checkBeside checks the files that are kept beside a recording, those of its own
// digest apart, against their sidecars, and has all of them share a lock: a legal hold
// may have been laid on one of them since.
func (c *Checker) checkBeside(ctx context.Context, f *Finding) error {
	stem, _, ok := bucket.Split(f.Row.Key)
	if !ok {
		return nil
	}
	var all []bucket.Holdings
	var keys []string
	err := c.pairs.Each(ctx, stem+".", time.Time{}, func(gs []bucket.Holdings) error { all = append(all, gs...); return nil }, func(blob.Object) {})
	if err != nil || len(all) != 1 {
		return err
	}
	g := all[0]
	digests := map[string]bool{}
	for _, o := range g.Files {
		keys = append(keys, o.Key)
		side, err := c.checkOne(ctx, f, g, o.Key)
		if err != nil {
			return err
		}
		if side.SHA256 != f.Row.SHA256 {
			digests[side.SHA256] = true
		}
	}
	if f.Result == Verified && len(digests) < f.Row.Conflicts {
		f.Result, f.Part, f.Detail = Absent, call.BesidePart, fmt.Sprintf("%d of %d files are there", len(digests), f.Row.Conflicts)
	}
	for key := range g.Sidecars {
		keys = append(keys, key)
	}
	if err := c.opts.Store.ShareLock(ctx, keys...); err != nil && ctx.Err() == nil {
		c.m.failures.WithLabelValues("lock").Inc()
		c.opts.Log.WarnContext(ctx, "the files of a recording do not share a lock", "recording", f.Row.ID, "err", err)
	}
	return nil
}

// checkOne checks one file of a recording, unless something was found wrong before, and
// returns its sidecar; a zero one where that cannot be read.
func (c *Checker) checkOne(ctx context.Context, f *Finding, g bucket.Holdings, key string) (side bucket.Sidecar, err error) {
	var malformed error
	err = c.readWithRetries(ctx, f, call.BesidePart, func() (err error) {
		side, malformed, err = c.sidecarAt(ctx, g.SidecarKey(key))
		return err
	})
	switch {
	case err != nil:
		return side, err
	case f.Result != Verified:
		f.Detail = key
		return side, nil
	case malformed != nil:
		f.Result, f.Part, f.Detail = Altered, call.BesidePart, key
		return side, nil
	case side.SHA256 == f.Row.SHA256: // the recording itself, or a copy: it may be the damaged one that a copy stands for
		return side, nil
	}
	var sum string
	var size int64
	err = c.readWithRetries(ctx, f, call.BesidePart, func() (err error) {
		sum, size, err = c.digest(ctx, key)
		return err
	})
	if err == nil && f.Result == Verified && (sum != side.SHA256 || size != side.Size) {
		f.Result, f.Part = Altered, call.BesidePart
	}
	if f.Result != Verified {
		f.Detail = key
	}
	return side, err
}
