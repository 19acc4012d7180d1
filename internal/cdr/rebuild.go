package cdr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"fonoteka/internal/call"
)

// Archive is the warehouse as a rebuild sees it, beyond Store.
type Archive interface {
	EventCounts(ctx context.Context) (map[string]uint64, error)
	EachCall(ctx context.Context, in Range, each func(groupID uint64, events []StoredEvent) error) error
	GroupsBetween(ctx context.Context, from, to time.Time) ([]call.GroupKey, error)
	GroupsOf(ctx context.Context, id string) ([]call.GroupKey, error)
	// Fingerprints are those of all that is stored of the calls with an id in the
	// range, by id; FingerprintOf is that of a record, were it stored.
	Fingerprints(ctx context.Context, in Range) ([]Fingerprint, error)
	FingerprintOf(r call.Record) Fingerprint
	MendKeys(ctx context.Context, in Range, dry bool) (uint64, error)
	TopVersions(ctx context.Context, keys []call.GroupKey) (map[call.GroupKey]uint64, error)
	ListedUnder(ctx context.Context, keys []call.GroupKey) (map[call.GroupKey][]string, error)
	TopEpoch(ctx context.Context) (uint16, error)
}

// RebuildOptions choose what a rebuild does. Call, From and To name a few calls;
// without them it is all of them.
type RebuildOptions struct {
	// ChangedRules writes what differs under a new epoch, above any row that was
	// written before, whatever its version.
	ChangedRules bool
	Restart      bool      // from the beginning, though an earlier one did not finish
	DryRun       bool      // count what differs, write nothing
	Call         string    // our call id or the operator's
	From, To     time.Time // calls of which a notification was received then; zero: no bound

	// Slice is how many events are compared at a time, and how many at most are
	// done again by one that was interrupted; 0: four million, which take some 25
	// MB of fingerprints, and the server some seconds.
	Slice uint64
}

// Rebuilt is how far a rebuild has come. Counts are of groups of calls under one
// base id.
type Rebuilt struct {
	Calls   int     `json:"calls"`   // compared with their notifications
	Differ  int     `json:"differ"`  // of those, were not as the notifications say
	Written int     `json:"written"` // rows of calls written
	Kept    int     `json:"kept"`    // differ and stay: made of more notifications than are left, or of a higher version
	Alone   int     `json:"alone"`   // rows of calls without any notification left: they stay
	Keys    int     `json:"keys"`    // keys of rows that were missing
	Share   float64 `json:"share"`   // of the whole, from 0 to 1
	Epoch   uint16  `json:"epoch"`   // that changed rules are written under; 0: none
	Resumed bool    `json:"resumed"` // an earlier one did not finish: it went on from there
}

// rebuildPosition is the name under which the warehouse keeps how far one got.
const rebuildPosition = "rebuild"

// ErrRebuilding tells that a rebuild is under way already.
var ErrRebuilding = errors.New("a rebuild is under way already")

// Rebuild derives calls again from their notifications and writes those whose
// rows differ, beside a Deriver that runs: both write through the same lock, and
// a row is replaced only by one that is made of as many notifications or more.
// It may be interrupted anywhere, and goes on from the last slice when it is
// called again. say (may be nil) hears of the progress, one call at a time.
//
// Comparing by fingerprints was chosen over reading the rows, which lie by time
// while notifications lie by call: a call's rows would be looked up one by one,
// hours for millions. What differs is read, derived and written as any call is.
func (d *Deriver) Rebuild(ctx context.Context, archive Archive, o RebuildOptions, say func(Rebuilt)) (Rebuilt, error) {
	if !d.rebuilding.TryLock() {
		return Rebuilt{}, ErrRebuilding
	}
	defer d.rebuilding.Unlock()
	if say == nil {
		say = func(Rebuilt) {}
	}
	r := &rebuild{d: d, archive: archive, o: o, say: say}
	if r.o.Slice == 0 {
		r.o.Slice = 4_000_000
	}
	err := r.run(ctx)
	if err != nil {
		err = fmt.Errorf("rebuild: %w", err)
	}
	return r.at.Rebuilt, err
}

type rebuild struct {
	d       *Deriver
	archive Archive
	o       RebuildOptions

	mu  sync.Mutex // guards at while several pieces are under way
	say func(Rebuilt)
	at  waypoint
}

// waypoint is what is kept of an unfinished rebuild.
type waypoint struct {
	Rebuilt
	Integration string `json:"integration"` // is under way
	Done        uint64 `json:"done"`        // the last group id of it that is done
}

func (r *rebuild) run(ctx context.Context) error {
	if r.o.Call != "" || !r.o.From.IsZero() || !r.o.To.IsZero() {
		return r.some(ctx)
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	counts, err := r.archive.EventCounts(ctx)
	if err != nil {
		return err
	}
	var total, before uint64
	for _, n := range counts {
		total += n
	}
	for _, integration := range slices.Sorted(maps.Keys(counts)) {
		n := counts[integration]
		if integration >= r.at.Integration {
			if err := r.integration(ctx, integration, n, share{float64(before), float64(n), float64(total)}); err != nil {
				return err
			}
		}
		before += n
	}
	r.progress(1, func(*Rebuilt) {})
	return r.keep(ctx, "", 0)
}

// some derives the calls that were named, without comparing others.
func (r *rebuild) some(ctx context.Context) (err error) {
	if r.o.ChangedRules {
		if err := r.newEpoch(ctx); err != nil {
			return err
		}
	}
	var keys []call.GroupKey
	if r.o.Call != "" {
		keys, err = r.archive.GroupsOf(ctx, r.o.Call)
	} else {
		keys, err = r.archive.GroupsBetween(ctx, r.o.From, r.o.To)
	}
	if err != nil {
		return err
	}
	done := 0
	for page := range slices.Chunk(keys, r.d.opts.Page) {
		if err := r.write(ctx, page); err != nil {
			return err
		}
		done += len(page)
		r.progress(float64(done)/float64(len(keys)), func(at *Rebuilt) { at.Calls += len(page) })
	}
	r.progress(1, func(*Rebuilt) {})
	return nil
}

// begin takes up what an earlier one left, if it was of the same kind.
func (r *rebuild) begin(ctx context.Context) error {
	if !r.o.Restart && !r.o.DryRun {
		if err := r.load(ctx); err != nil || r.at.Resumed {
			return err
		}
	}
	if !r.o.ChangedRules {
		return nil
	}
	return r.newEpoch(ctx)
}

func (r *rebuild) load(ctx context.Context) error {
	kept, err := r.d.opts.Store.Progress(ctx, rebuildPosition)
	if err != nil || kept == "" {
		return err
	}
	var at waypoint
	if err := json.Unmarshal([]byte(kept), &at); err != nil {
		return fmt.Errorf("position of the rebuild: %w", err)
	}
	if (at.Epoch != 0) == r.o.ChangedRules {
		r.at, r.at.Resumed = at, true
	}
	return nil
}

// keep stores where to go on; no integration: it is finished.
func (r *rebuild) keep(ctx context.Context, integration string, done uint64) error {
	if r.o.DryRun {
		return nil
	}
	if integration == "" {
		return r.d.opts.Store.SetProgress(ctx, rebuildPosition, "")
	}
	r.at.Integration, r.at.Done = integration, done
	position, err := json.Marshal(r.at)
	if err != nil {
		return err
	}
	return r.d.opts.Store.SetProgress(ctx, rebuildPosition, string(position))
}

// newEpoch is kept before anything is written under it, by the first slice; one
// that was lost costs nothing.
func (r *rebuild) newEpoch(ctx context.Context) error {
	top, err := r.archive.TopEpoch(ctx)
	if err == nil && top == math.MaxUint16 {
		err = errors.New("there is no higher epoch left")
	}
	r.at.Epoch = top + 1
	return err
}

// share tells how much of the whole is done, by the events of each integration
// and the part of its ids.
type share struct{ before, own, total float64 }

func (s share) at(id uint64) float64 {
	return (s.before + s.own*float64(id)/math.MaxUint64) / max(s.total, 1)
}

func (r *rebuild) progress(share float64, change func(*Rebuilt)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.at.Rebuilt)
	r.at.Share = max(r.at.Share, share)
	r.say(r.at.Rebuilt)
}
