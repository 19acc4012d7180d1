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

// integration compares an integration's calls slice by slice, and keeps the
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
		if err := r.keep(ctx, name, s.To); err != nil {
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

// eventsInPiece is what a core takes at a time of a slice: a second's work.
const eventsInPiece = 60_000

// slice compares the calls of a range with their notifications, in n pieces on
// all cores.
func (r *rebuild) slice(ctx context.Context, in Range, n int, whole share) error {
	keys, err := r.archive.MendKeys(ctx, in, r.o.DryRun)
	if err != nil {
		return err
	}
	r.at.Keys += int(keys)
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
				seen, err := r.piece(ctx, pieces[n], stored)
				if err != nil {
					return err
				}
				end := pieces[done.Add(1)-1].To // as many are done, if not these
				r.progress(whole.at(end), func(at *Rebuilt) { at.Calls, at.Alone = at.Calls+seen.calls, at.Alone+seen.alone })
			}
			return ctx.Err()
		})
	}
	return pool.Wait()
}

// seen counts what a piece holds.
type seen struct{ calls, alone int }

// piece derives the calls of a range and hands those on whose fingerprint is
// not that of what is stored.
func (r *rebuild) piece(ctx context.Context, in Range, stored []Fingerprint) (seen, error) {
	var s seen
	var rows, unlisted []call.GroupKey // whose rows differ, and whose clients' lists alone do
	rest := within(stored, in)
	err := r.archive.EachCall(ctx, in, func(group uint64, events []StoredEvent) error {
		s.calls++
		var passed []Fingerprint
		var is Fingerprint
		passed, is, rest = split(rest, group)
		s.alone += alone(passed)
		key := call.GroupKey{Integration: in.Integration, GroupID: group}
		if events == nil {
			r.d.passOver(key, ErrTooMuch)
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
		err := errors.Join(r.write(ctx, rows), r.list(ctx, unlisted))
		rows, unlisted = rows[:0], unlisted[:0]
		return err
	})
	s.alone += alone(rest)
	return s, errors.Join(err, r.write(ctx, rows), r.list(ctx, unlisted))
}

// alone counts calls with rows, apart from later ones under a Call-ID: their
// notifications lie under the first one's id.
func alone(rows []Fingerprint) (n int) {
	for _, f := range rows {
		if f.First {
			n++
		}
	}
	return n
}

// shouldBe is the fingerprint that the notifications of a group ask for under
// its own id. Where a Call-ID was used again there are several calls: the later
// ones have other ids, and are few enough to be read.
func (r *rebuild) shouldBe(key call.GroupKey, events []StoredEvent) (f Fingerprint, several bool) {
	records, _ := r.d.records(key, events)
	if len(records) == 0 {
		return f, false
	}
	return r.archive.FingerprintOf(records[0]), len(records) > 1
}

// write brings calls up to what their notifications say, and counts.
func (r *rebuild) write(ctx context.Context, keys []call.GroupKey) error {
	return r.bring(ctx, keys, rebuildContext{})
}

// list writes calls whose rows are right and whose clients' lists are not.
func (r *rebuild) list(ctx context.Context, keys []call.GroupKey) error {
	listed, err := r.archive.ListedUnder(ctx, keys)
	if err != nil {
		return err
	}
	for _, k := range keys { // in no list: to be written all the same
		listed[k] = append(listed[k], "")
	}
	return r.bring(ctx, keys, rebuildContext{listed: listed})
}

func (r *rebuild) bring(ctx context.Context, keys []call.GroupKey, s rebuildContext) (err error) {
	if len(keys) == 0 {
		return nil
	}
	if s.top, err = r.archive.TopVersions(ctx, keys); err != nil {
		return err
	}
	s.epoch, s.dry = r.at.Epoch, r.o.DryRun
	done, err := r.d.bring(ctx, keys, s)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at.Differ += done.calls + done.kept
	r.at.Written += done.rows
	r.at.Kept += done.kept
	return err
}
