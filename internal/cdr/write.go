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

// derive brings the rows of these calls up to what their notifications say.
func (d *Deriver) derive(ctx context.Context, keys []call.GroupKey) error {
	_, err := d.bring(ctx, keys, rebuildContext{})
	return err
}

// bring works on Options.Page calls at a time. A call that the warehouse can
// never read or take, or that has more notifications than are held in memory, is
// found by halving, passed over and counted: it must not hold up the others.
func (d *Deriver) bring(ctx context.Context, keys []call.GroupKey, s rebuildContext) (written, error) {
	var done written
	for page := range slices.Chunk(keys, d.opts.Page) {
		w, err := d.writePage(ctx, page, s)
		var bad hopeless
		switch {
		case errors.As(err, &bad) && len(page) == 1:
			d.passOver(page[0], err)
			err = nil
		case errors.As(err, &bad):
			half := len(page) / 2
			for _, part := range [][]call.GroupKey{page[:half], page[half:]} {
				if w, err = d.bring(ctx, part, s); err != nil {
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

// passOver leaves a call as it is. Why is told where it cannot quote a notification.
func (d *Deriver) passOver(key call.GroupKey, why error) {
	d.metrics.skipped.Inc()
	reason := "the warehouse refused it"
	if errors.Is(why, ErrTooMuch) {
		reason = "its notifications are too many"
	}
	d.opts.Log.Error("call passed over", "integration", key.Integration, "call", key.GroupID, "reason", reason)
}

// hopeless wraps the server's refusal to read or take some call.
type hopeless struct{ error }

func (h hopeless) Unwrap() error { return h.error }

// rebuildContext is what a rebuild knows of the rows that it writes again; the zero one is
// that of a derivation.
type rebuildContext struct {
	epoch uint16                   // rows are written under this or a higher one
	top   map[call.GroupKey]uint64 // the highest version of any row, tombstones included
	// listed are the numbers in whose lists calls show. Those are written though
	// their rows are right, and leave the lists in which they have no place.
	listed map[call.GroupKey][]string
	dry    bool // count only
}

// written counts what came of some calls.
type written struct {
	rows, calls int // rows written, of so many groups
	kept        int // groups whose rows differ and stay: they stand above what may be written now
}

func (w *written) add(more written) {
	w.rows, w.calls, w.kept = w.rows+more.rows, w.calls+more.calls, w.kept+more.kept
}

// atOnce is how many calls are held in memory with their notifications at a
// time: some 5 MB of bodies, usually. To read as many in two halves takes the server a
// fifth more, as the blocks that it unpacks hold the notifications of other calls, too.
// What is written of them is gathered by the page, since an insert costs the same for a
// few rows and for thousands.
const atOnce = 2000

// writePage reads, derives and writes some calls. Only one goes on at a time:
// what it has read must not change before it has written.
func (d *Deriver) writePage(ctx context.Context, keys []call.GroupKey, s rebuildContext) (written, error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	var done written
	var writes []CallWrite
	var recorded []call.Record
	for part := range slices.Chunk(keys, atOnce) {
		w, r, kept, err := d.read(ctx, part, s)
		if err != nil {
			return done, err
		}
		writes, recorded = append(writes, w...), append(recorded, r...)
		done.kept += kept
	}
	groups := map[call.GroupKey]bool{}
	for _, w := range writes {
		groups[call.GroupKey{Integration: w.Record.Integration, GroupID: w.Record.GroupID}] = true
	}
	done.rows, done.calls = len(writes), len(groups)
	d.metrics.derived.Add(float64(len(keys)))
	if s.dry {
		return done, nil
	}
	if len(writes) > 0 {
		if err := d.opts.Store.WriteCalls(ctx, writes); err != nil {
			return done, forGood(err)
		}
	}
	d.metrics.written.Add(float64(len(writes)))
	if d.opts.Derived == nil || len(recorded) == 0 {
		return done, nil
	}
	return done, forGood(d.opts.Derived(ctx, recorded))
}

// forGood marks an error of the warehouse that will not pass by waiting.
func forGood(err error) error {
	if warehouse.IsRefusal(err) {
		return hopeless{err}
	}
	return err
}

// read derives some calls and returns what is to be written of them, and those that
// have recordings; kept counts those that differ and must stay.
func (d *Deriver) read(ctx context.Context, keys []call.GroupKey, s rebuildContext) (writes []CallWrite, recorded []call.Record, kept int, err error) {
	var events map[call.GroupKey][]StoredEvent
	var stored map[call.GroupKey][]StoredCall
	reads, both := errgroup.WithContext(ctx)
	reads.Go(func() (err error) {
		events, err = d.opts.Store.EventsOf(both, keys)
		if errors.Is(err, ErrTooMuch) || warehouse.ServerWords(err) != "" { // it answers, but not to this
			return hopeless{err}
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
		return len(events[k]) == 0 // their retention is over: what was derived stays
	})
	type derived struct {
		records []call.Record
		writes  []CallWrite
		stays   bool
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
				one.writes, one.stays = d.changes(k, one.records, version{len(events[k]), revision}, stored[k], s)
			}
			return nil
		})
	}
	_ = each.Wait() // none fails
	for _, one := range all {
		writes = append(writes, one.writes...)
		if one.stays {
			kept++
			continue
		}
		for _, r := range one.records {
			if len(r.Recordings) > 0 {
				recorded = append(recorded, r)
			}
		}
	}
	return writes, recorded, kept, nil
}

// version is what the version of a call's rows is made of.
type version struct {
	events   int
	revision uint16
}

// perTask is how many calls are derived by a goroutine at a time.
const perTask = 100

// changes are the writes that lead from the stored rows of one base id to those
// its notifications now say; none if they say what is stored. kept tells that
// they differ and must stay: they are made of more notifications than can be
// seen now.
func (d *Deriver) changes(key call.GroupKey, records []call.Record, v version, stored []StoredCall, s rebuildContext) (writes []CallWrite, kept bool) {
	version, ok := nextVersion(v.events, v.revision, stored, max(d.opts.Epoch, s.epoch), s.top[key])
	listed, unlisted := s.listed[key]
	for _, r := range records {
		w := CallWrite{Record: r, Version: version}
		if old := find(stored, r); old != nil {
			if same(old.Record, r) && !unlisted {
				continue
			}
			w.GoneLegs = gone(old.Record.Legs, r.Legs)
			for _, n := range append(listed, old.Record.ClientNumber.Digits) {
				if n != "" && n != r.ClientNumber.Digits {
					w.GoneNumbers = append(w.GoneNumbers, n)
				}
			}
		}
		writes = append(writes, w)
	}
	for _, s := range stored {
		if !live(records, s.Record) {
			writes = append(writes, CallWrite{Record: s.Record, Version: version, Deleted: true})
		}
	}
	if !ok {
		return nil, len(writes) > 0
	}
	return writes, false
}

// nextVersion is one above every row of the call, within the epoch that they
// have reached. It is none where a row of that epoch is made of more
// notifications than there are, and where a higher epoch would replace such a
// row: notifications whose retention is over take nothing from what they made.
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
	if top >= version { // as many, but another outcome: received earlier than known, or other rules
		version = top + 1
	}
	return version, version <= CallVersion(epoch, uint32(events), 1<<16-1)
}

// records derives, in the form that rows are read back in; revision is 1 where a silence ended a call by inference.
func (d *Deriver) records(key call.GroupKey, stored []StoredEvent) (records []call.Record, revision uint16) {
	rules := d.opts.Rules(key.Integration)
	events := make([]call.Event, 0, len(stored))
	var last time.Time
	for _, s := range stored {
		e, err := d.opts.Decode(key.Integration, s.Body, s.ReceivedAt)
		if err != nil { // it could be read when it was stored
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

func live(records []call.Record, stored call.Record) bool {
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

func same(a, b call.Record) bool { return reflect.DeepEqual(a, b) }

// gone are the legs that were and are no more.
func gone(old, now []call.Leg) []call.Leg {
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
