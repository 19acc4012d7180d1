package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"fonoteka/internal/run"
)

// ownBucket begins the name of a bucket that Probe makes for itself.
const ownBucket = "fonoteka-doctor-"

// lockedFor is how long the objects of a trial are locked: long enough for a
// slow store to be asked to delete them, short enough to wait for.
const lockedFor = 4 * time.Second

// makeOwn makes a bucket for this run: with Object Lock, or else without.
func (p *probe) makeOwn(ctx context.Context) {
	where := p.b.where
	where.Bucket = ownBucket + strings.ToLower(rand.Text()[:16])
	own := &Bucket{client: p.b.client, where: where, http: p.b.http, log: p.b.log, m: p.b.m}
	for _, lock := range []bool{true, false} {
		p.ownErr = own.wrap("creating bucket", where.Bucket, own.client.MakeBucket(ctx, where.Bucket, minio.MakeBucketOptions{Region: where.Region, ObjectLocking: lock}))
		if p.ownErr == nil {
			p.own, p.ownLocks = own, lock
			return
		}
	}
}

// dropOwn removes the bucket of makeOwn, waiting for locks that have not expired.
func (p *probe) dropOwn(ctx context.Context) {
	if p.own == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	for {
		err := p.own.wipe(ctx, Scratch)
		if err == nil {
			err = p.own.client.RemoveBucket(ctx, p.own.where.Bucket)
		}
		if err == nil {
			return
		}
		if run.Sleep(ctx, 500*time.Millisecond); ctx.Err() != nil {
			p.cleaned(fmt.Errorf("bucket %s: %w", p.own.where.Bucket, err))
			return
		}
	}
}

// lock tries Object Lock where it can be tried, and judges the configured
// bucket by it.
func (p *probe) lock(ctx context.Context) {
	place := p.own
	if !p.ownLocks {
		place = nil
	}
	if place == nil && p.locks {
		place = p.b.with(Encryption{})
	}
	rule, name := p.b.anyRetention(), p.b.where.Bucket
	needed := rule.Mode != NoRetention
	if place == nil {
		err := p.ownErr
		if err == nil {
			err = errors.New("a bucket can be made without object lock only")
		}
		p.record("object lock", needed, err, "", "the store cannot lock objects, or this account cannot create a bucket that can",
			"use a store with Object Lock, or create the bucket with Object Lock on, or set --retention-mode off")
		p.record("legal hold", false, err, "", "recordings cannot be put under legal hold there", "")
		return
	}
	locked, held, outlives := p.tryLocks(ctx, place)
	const works = "the store refused to delete locked objects, one by one and in a batch"
	switch {
	case locked == nil && needed && p.exists && !p.locks && !p.b.own:
		p.record("object lock", true, ErrNoLock, "", "the store can lock, but "+name+" was made without object lock: nothing is archived",
			"name a new bucket in --s3-url, which is then made with it, or switch it on in this one if the store can")
	case needed:
		p.record("object lock", true, locked, fmt.Sprintf("%s; what is put there now is locked for %s (%s)", works, rule.For, strings.ToLower(string(rule.Mode))),
			"the store does not keep what it is told to lock", "use a store with Object Lock, or set --retention-mode off")
	default:
		means := works + "; --retention-mode is off, so what is put there now is not locked"
		if p.exists && !p.locks && !p.b.own {
			means += ", and to lock needs a new bucket: " + name + " has no object lock"
		}
		p.record("object lock", false, locked, means, "the store does not keep what it is told to lock; --retention-mode is off", "")
	}
	yes := "a hold keeps an object until it is lifted, also after its retention"
	if !outlives {
		yes = "a hold keeps an object; once the retention has run out the store forgets it: Fonoteka still refuses, other programs do not"
	}
	if p.exists && !p.locks {
		yes += "; not in " + name + ", which has no object lock"
	}
	p.record("legal hold", false, held, yes, "the store does not keep what is under legal hold", "")
}

// tryLocks locks an object in each mode and tries to delete it, holds another
// beyond its retention, and removes all.
func (p *probe) tryLocks(ctx context.Context, in *Bucket) (locked, held error, outlives bool) {
	base := scratchKey()
	until := time.Now().Add(p.skew + lockedFor).Add(time.Second - 1).Truncate(time.Second)
	ended := until.Add(-p.skew + 1500*time.Millisecond)
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		run.Sleep(late, time.Until(ended))
		p.cleaned(in.wipe(late, base))
	}()
	for _, mode := range []minio.RetentionMode{minio.Governance, minio.Compliance} {
		if err := p.keeps(ctx, in, base+"/"+string(mode), mode, until); err != nil {
			locked = errors.Join(locked, fmt.Errorf("%s: %w", mode, err))
		}
	}
	key := base + "/held"
	if held = p.storeLocked(ctx, in, key, minio.Governance, until); held != nil {
		return locked, held, false
	}
	set := in.SetHold(ctx, key, "", true)
	defer func() {
		switch {
		case ctx.Err() != nil: // the answer may be lost, and the request not yet done
			time.Sleep(time.Second)
		case set != nil:
			return
		}
		if err := in.SetHold(context.WithoutCancel(ctx), key, "", false); !errors.Is(err, ErrNotFound) {
			p.cleaned(err)
		}
	}()
	if set != nil {
		return locked, set, false
	}
	if l, err := in.Lock(ctx, key, ""); err != nil || !l.Held {
		return locked, errors.Join(errors.New("a hold that was set is not there"), err), false
	}
	if run.Sleep(ctx, time.Until(ended)); ctx.Err() != nil {
		return locked, ctx.Err(), false
	}
	return locked, nil, p.refused(ctx, in, key) == nil
}

// keeps is nil if a locked object cannot be deleted.
func (p *probe) keeps(ctx context.Context, in *Bucket, key string, mode minio.RetentionMode, until time.Time) error {
	if err := p.storeLocked(ctx, in, key, mode, until); err != nil {
		return err
	}
	return p.refused(ctx, in, key)
}

func (p *probe) storeLocked(ctx context.Context, in *Bucket, key string, mode minio.RetentionMode, until time.Time) error {
	body, put := trial()
	_, err := in.client.PutObject(ctx, in.where.Bucket, key, body, put.Size, minio.PutObjectOptions{DisableMultipart: true, Mode: mode, RetainUntilDate: until})
	return in.wrap("storing", key, err)
}

// refused asks the store itself to delete each version of a key, alone and in a
// batch, and is nil if they are all still there.
func (p *probe) refused(ctx context.Context, in *Bucket, key string) error {
	list := func() (all []Version, err error) {
		err = in.Versions(ctx, key, func(v Version) bool { all = append(all, v); return true })
		return all, err
	}
	before, err := list()
	if err != nil || len(before) == 0 {
		return errors.Join(errors.New("what was stored has no versions"), err)
	}
	batch := make(chan minio.ObjectInfo, len(before))
	for _, v := range before {
		// The errors do not matter, only which versions are left.
		_ = in.client.RemoveObject(ctx, in.where.Bucket, key, minio.RemoveObjectOptions{VersionID: v.ID})
		batch <- minio.ObjectInfo{Key: v.Key, VersionID: v.ID}
	}
	close(batch)
	for range in.client.RemoveObjects(ctx, in.where.Bucket, batch, minio.RemoveObjectsOptions{}) {
	}
	after, err := list()
	if err == nil && len(after) != len(before) {
		err = errAccepted
	}
	return err
}
