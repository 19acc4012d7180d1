package cdr

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// derive derives calls and writes the rows that differ.
func (d *Deriver) derive(ctx context.Context, keys []call.GroupKey) error {
	_, err := d.apply(ctx, keys, rebuildContext{})
	return err
}

// apply derives Options.Page calls at a time and writes the rows that differ. A call
// that the warehouse can never read or take, or that has more notifications than are
// held in memory, is found by halving the page, skipped and counted: it must not hold up
// the others.
func (d *Deriver) apply(ctx context.Context, keys []call.GroupKey, rc rebuildContext) (written, error) {
	var done written
	for page := range slices.Chunk(keys, d.opts.Page) {
		w, err := d.writePage(ctx, page, rc)
		var permanent permanentError
		switch {
		case errors.As(err, &permanent) && len(page) == 1:
			d.skip(page[0], err)
			err = nil
		case errors.As(err, &permanent):
			half := len(page) / 2
			for _, part := range [][]call.GroupKey{page[:half], page[half:]} {
				if w, err = d.apply(ctx, part, rc); err != nil {
					return done, err
				}
				done.add(w)
			}
			continue
		}
		if err != nil {
			return done, err
		}
		done.add(w)
	}
	return done, nil
}

// skip leaves a call as it is, and logs why. The error itself is not logged: it may quote
// a notification.
func (d *Deriver) skip(key call.GroupKey, why error) {
	d.metrics.skipped.Inc()
	reason := "the warehouse refused it"
	if errors.Is(why, ErrTooMuch) {
		reason = "its notifications are too many"
	}
	d.opts.Log.Error("call skipped", "integration", key.Integration, "call", key.GroupID, "reason", reason)
}

// permanentError wraps the server's refusal to read or take some call: no retry helps.
type permanentError struct{ error }

func (p permanentError) Unwrap() error { return p.error }

// rebuildContext is what a rebuild knows of the rows that it replaces. The zero value is
// that of a derivation that is no rebuild.
type rebuildContext struct {
	minEpoch   uint16                   // rows are written under this epoch or a higher one
	topVersion map[call.GroupKey]uint64 // the highest version of any row, tombstones included
	// listed are the numbers under which calls_by_client has a call. A call that is in
	// the map is written though its rows are right, and deleted under every number that
	// is not its client's.
	listed map[call.GroupKey][]string
	dryRun bool // count only
}

// written counts what was done for some calls.
type written struct {
	rows, calls int // rows written, of so many groups
	notReplaced int // groups whose rows differ and stay: their version is above what may be written now
}

func (w *written) add(more written) {
	w.rows, w.calls, w.notReplaced = w.rows+more.rows, w.calls+more.calls, w.notReplaced+more.notReplaced
}

// readAtOnce is how many calls are held in memory with their notifications at a
// time: some 5 MB of bodies, usually. To read as many in two halves takes the server a
// fifth more, as the blocks that it decompresses hold notifications of other calls, too.
// Rows are written by the page, since an insert costs the same for a few rows and for
// thousands.
const readAtOnce = 2000

// writePage reads, derives and writes some calls. Only one runs at a time:
// what it has read must not change before it has written.
func (d *Deriver) writePage(ctx context.Context, keys []call.GroupKey, rc rebuildContext) (written, error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	var done written
	var writes []CallWrite
	var recorded []call.Record
	for part := range slices.Chunk(keys, readAtOnce) {
		w, r, notReplaced, err := d.read(ctx, part, rc)
		if err != nil {
			return done, err
		}
		writes, recorded = append(writes, w...), append(recorded, r...)
		done.notReplaced += notReplaced
	}
	groups := map[call.GroupKey]bool{}
	for _, w := range writes {
		groups[call.GroupKey{Integration: w.Record.Integration, GroupID: w.Record.GroupID}] = true
	}
	done.rows, done.calls = len(writes), len(groups)
	d.metrics.derived.Add(float64(len(keys)))
	if rc.dryRun {
		return done, nil
	}
	if len(writes) > 0 {
		if err := d.opts.Store.WriteCalls(ctx, writes); err != nil {
			return done, asPermanent(err)
		}
	}
	d.metrics.written.Add(float64(len(writes)))
	if d.opts.Derived == nil || len(recorded) == 0 {
		return done, nil
	}
	return done, asPermanent(d.opts.Derived(ctx, recorded))
}

// asPermanent marks an error of the warehouse that no retry helps.
func asPermanent(err error) error {
	if warehouse.IsRefusal(err) {
		return permanentError{err}
	}
	return err
}

// read derives some calls and returns the rows to write, and the records that
// have recordings; notReplaced counts the groups that differ and must stay.
func (d *Deriver) read(ctx context.Context, keys []call.GroupKey, rc rebuildContext) (writes []CallWrite, recorded []call.Record, notReplaced int, err error) {
	var events map[call.GroupKey][]StoredEvent
	var stored map[call.GroupKey][]StoredCall
	reads, both := errgroup.WithContext(ctx)
	reads.Go(func() (err error) {
		events, err = d.opts.Store.EventsOf(both, keys)
		if errors.Is(err, ErrTooMuch) || warehouse.ServerWords(err) != "" { // it is up, and refuses this query
			return permanentError{err}
		}
		return err
	})
	reads.Go(func() (err error) {
		stored, err = d.opts.Store.StoredCalls(both, keys)
		return err
	})
	if err := reads.Wait(); err != nil {
		return nil, nil, 0, err
	}
	keys = slices.DeleteFunc(slices.Clone(keys), func(k call.GroupKey) bool {
		return len(events[k]) == 0 // their retention has ended: what was derived of them stays
	})
	type derived struct {
		records     []call.Record
		writes      []CallWrite
		notReplaced bool
	}
	all := make([]derived, len(keys))
	var each errgroup.Group
	each.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < len(keys); from += perTask {
		each.Go(func() error {
			for i := from; i < min(from+perTask, len(keys)); i++ {
				k, one := keys[i], &all[i]
				var revision uint16
				one.records, revision = d.records(k, events[k])
				one.writes, one.notReplaced = d.changes(k, one.records, version{len(events[k]), revision}, stored[k], rc)
			}
			return nil
		})
	}
	_ = each.Wait() // none of them returns an error
	for _, one := range all {
		writes = append(writes, one.writes...)
		if one.notReplaced {
			notReplaced++
			continue
		}
		for _, r := range one.records {
			if len(r.Recordings) > 0 {
				recorded = append(recorded, r)
			}
		}
	}
	return writes, recorded, notReplaced, nil
}

// version is what the version of a call's rows is computed from.
type version struct {
	events   int
	revision uint16
}

// perTask is how many calls are derived by a goroutine at a time.
const perTask = 100

// changes are the writes that turn the stored rows of one group into the derived
// records; none if they are the same. notReplaced says that they differ and the stored
// rows must stay: they are made of more notifications than are stored now.
func (d *Deriver) changes(key call.GroupKey, records []call.Record, v version, stored []StoredCall, rc rebuildContext) (writes []CallWrite, notReplaced bool) {
	version, ok := nextVersion(v.events, v.revision, stored, max(d.opts.Epoch, rc.minEpoch), rc.topVersion[key])
	listed, writeAnyway := rc.listed[key]
	for _, r := range records {
		w := CallWrite{Record: r, Version: version}
		if old := find(stored, r); old != nil {
			if reflect.DeepEqual(old.Record, r) && !writeAnyway {
				continue
			}
			w.GoneLegs = removedLegs(old.Record.Legs, r.Legs)
			for _, n := range append(listed, old.Record.ClientNumber.Digits) {
				if n != "" && n != r.ClientNumber.Digits {
					w.GoneNumbers = append(w.GoneNumbers, n)
				}
			}
		}
		writes = append(writes, w)
	}
	for _, s := range stored {
		if !contains(records, s.Record) {
			writes = append(writes, CallWrite{Record: s.Record, Version: version, Deleted: true})
		}
	}
	if !ok {
		return nil, len(writes) > 0
	}
	return writes, false
}

// nextVersion is one above the version of every row of the call, within the highest
// epoch of them. ok is false where a row of that epoch is made of more
// notifications than there are now, and where a higher epoch would replace such a
// row: a row stays as it was derived when the retention of its notifications ends.
func nextVersion(events int, revision uint16, stored []StoredCall, epoch uint16, top uint64) (version uint64, ok bool) {
	for _, s := range stored {
		top = max(top, s.Version)
	}
	reached, _, _ := SplitCallVersion(top)
	for _, s := range stored {
		if epoch > reached && s.Record.Events > events {
			return 0, false
		}
	}
	epoch = max(epoch, reached)
	version = CallVersion(epoch, uint32(events), revision)
	if top >= version { // as many events, but another result: one was received earlier than was known, or other rules
		version = top + 1
	}
	return version, version <= CallVersion(epoch, uint32(events), 1<<16-1)
}

// records derives a group, in the form that rows are read back in; revision is 1 where a
// silence ended a call by inference.
func (d *Deriver) records(key call.GroupKey, stored []StoredEvent) (records []call.Record, revision uint16) {
	rules := d.opts.Rules(key.Integration)
	events := make([]call.Event, 0, len(stored))
	var last time.Time
	for _, s := range stored {
		e, err := d.opts.Decode(key.Integration, s.Body, s.ReceivedAt)
		if err != nil { // it was readable when it was stored
			d.metrics.unreadable.Inc()
			continue
		}
		events = append(events, e)
		if s.ReceivedAt.After(last) {
			last = s.ReceivedAt
		}
	}
	if time.Since(last) > d.opts.EndAfter {
		rules.EndOpen, revision = true, 1
	}
	records = call.Derive(events, rules)
	for i := range records {
		records[i] = Canonical(records[i])
	}
	return records, revision
}

func find(stored []StoredCall, r call.Record) *StoredCall {
	for i := range stored {
		if sameKey(stored[i].Record, r) {
			return &stored[i]
		}
	}
	return nil
}

// contains says whether one of the records has the key of a stored row.
func contains(records []call.Record, stored call.Record) bool {
	for _, r := range records {
		if sameKey(stored, r) {
			return true
		}
	}
	return false
}

func sameKey(a, b call.Record) bool {
	return a.CallID == b.CallID && a.StartedAt.Equal(b.StartedAt)
}

// removedLegs are the legs of old that now does not have.
func removedLegs(old, now []call.Leg) []call.Leg {
	ids := make(map[uint64]bool, len(now))
	for _, l := range now {
		ids[l.ID] = true
	}
	var out []call.Leg
	for _, l := range old {
		if !ids[l.ID] {
			out = append(out, l)
		}
	}
	return out
}
