package cdr

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/call"
)

// integration compares an integration's calls slice by slice, and saves the
// position after each.
func (r *rebuild) integration(ctx context.Context, name string, events uint64, whole share) error {
	all := Range{Integration: name, To: math.MaxUint64}
	slices := int(events/r.o.Slice) + 1
	pieces := int(events/uint64(slices)/eventsInPiece) + 1
	if r.at.Integration == name {
		if r.at.Done == math.MaxUint64 {
			return nil
		}
		all.From = r.at.Done + 1
		slices = int(float64(slices)*(1-float64(all.From)/math.MaxUint64)) + 1
	}
	for _, s := range cut(all, slices) {
		if err := r.slice(ctx, s, pieces, whole); err != nil {
			return err
		}
		if err := r.savePosition(ctx, name, s.To); err != nil {
			return err
		}
	}
	return nil
}

// cut divides a range into at most n of about the same size.
func cut(in Range, n int) []Range {
	if n <= 1 {
		return []Range{in}
	}
	width := (in.To-in.From)/uint64(n) + 1 // n is more than 1: it does not overflow
	var out []Range
	for from := in.From; ; from += width {
		part := Range{Integration: in.Integration, From: from, To: in.To}
		if in.To-from < width {
			return append(out, part)
		}
		part.To = from + width - 1
		out = append(out, part)
	}
}

// eventsInPiece is how many events of a slice one core takes at a time: about a second's work.
const eventsInPiece = 60_000

// slice compares the calls of a range with their notifications, in n pieces on
// all cores.
func (r *rebuild) slice(ctx context.Context, in Range, n int, whole share) error {
	keys, err := r.archive.MendKeys(ctx, in, r.o.DryRun)
	if err != nil {
		return err
	}
	r.at.MissingKeys += int(keys)
	stored, err := r.archive.Fingerprints(ctx, in)
	if err != nil {
		return err
	}
	pieces := cut(in, n)
	var next, done atomic.Int64
	pool, ctx := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		pool.Go(func() error {
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= len(pieces) {
					return nil
				}
				counted, err := r.piece(ctx, pieces[n], stored)
				if err != nil {
					return err
				}
				end := pieces[done.Add(1)-1].To // so many pieces are done, though perhaps not the first ones
				r.progress(whole.at(end), func(at *Rebuilt) {
					at.Calls, at.WithoutEvents = at.Calls+counted.calls, at.WithoutEvents+counted.withoutEvents
				})
			}
			return ctx.Err()
		})
	}
	return pool.Wait()
}

// pieceCounts counts what a piece holds.
type pieceCounts struct{ calls, withoutEvents int }

// piece derives the calls of a range, and writes those whose fingerprint differs from
// the stored one.
func (r *rebuild) piece(ctx context.Context, in Range, stored []Fingerprint) (pieceCounts, error) {
	var counts pieceCounts
	var rows, unlisted []call.GroupKey // calls whose rows differ, and calls of which only the rows by client do
	rest := within(stored, in)
	err := r.archive.EachCall(ctx, in, func(group uint64, events []StoredEvent) error {
		counts.calls++
		var passed []Fingerprint
		var is Fingerprint
		passed, is, rest = split(rest, group)
		counts.withoutEvents += countWithoutEvents(passed)
		key := call.GroupKey{Integration: in.Integration, GroupID: group}
		if events == nil {
			r.d.skip(key, ErrTooMuch)
			return nil
		}
		switch should, several := r.shouldBe(key, events); {
		case is.Rows != should.Rows || is.First != should.First:
			rows = append(rows, key)
		case is.Clients != should.Clients:
			unlisted = append(unlisted, key)
		case several:
			rows = append(rows, key)
		}
		if max(len(rows), len(unlisted)) < r.d.opts.Page {
			return nil
		}
		err := errors.Join(r.write(ctx, rows), r.writeLists(ctx, unlisted))
		rows, unlisted = rows[:0], unlisted[:0]
		return err
	})
	counts.withoutEvents += countWithoutEvents(rest)
	return counts, errors.Join(err, r.write(ctx, rows), r.writeLists(ctx, unlisted))
}

// countWithoutEvents counts the first calls of groups that have rows but no stored
// notifications. Later calls under one Call-ID are left out: their notifications are
// stored under the id of the first.
func countWithoutEvents(rows []Fingerprint) (n int) {
	for _, f := range rows {
		if f.First {
			n++
		}
	}
	return n
}

// shouldBe derives a group and returns the fingerprint of its first call. several says
// that the Call-ID was used again: the later calls have other ids, and are few enough for
// their rows to be read and compared.
func (r *rebuild) shouldBe(key call.GroupKey, events []StoredEvent) (f Fingerprint, several bool) {
	records, _ := r.d.records(key, events)
	if len(records) == 0 {
		return f, false
	}
	return r.archive.FingerprintOf(records[0]), len(records) > 1
}

// write derives calls and writes what differs.
func (r *rebuild) write(ctx context.Context, keys []call.GroupKey) error {
	return r.apply(ctx, keys, rebuildContext{})
}

// writeLists writes calls whose own rows are right and whose rows by client are not.
func (r *rebuild) writeLists(ctx context.Context, keys []call.GroupKey) error {
	listed, err := r.archive.ListedUnder(ctx, keys)
	if err != nil {
		return err
	}
	for _, k := range keys { // also a call that is in no list is to be written
		listed[k] = append(listed[k], "")
	}
	return r.apply(ctx, keys, rebuildContext{listed: listed})
}

// apply is Deriver.apply under the rebuild's epoch, and counts.
func (r *rebuild) apply(ctx context.Context, keys []call.GroupKey, rc rebuildContext) (err error) {
	if len(keys) == 0 {
		return nil
	}
	if rc.topVersion, err = r.archive.TopVersions(ctx, keys); err != nil {
		return err
	}
	rc.minEpoch, rc.dryRun = r.at.Epoch, r.o.DryRun
	done, err := r.d.apply(ctx, keys, rc)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at.Differ += done.calls + done.notReplaced
	r.at.Written += done.rows
	r.at.NotReplaced += done.notReplaced
	return err
}
