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

// RebuildOptions choose what a rebuild does. Call, From and To select calls;
// without them all calls are rebuilt.
type RebuildOptions struct {
	// ChangedRules writes what differs under a new epoch, so that it replaces every row
	// that was written before, whatever its version.
	ChangedRules bool
	Restart      bool      // from the beginning, even where an earlier one did not finish
	DryRun       bool      // count what differs, write nothing
	Call         string    // our call id or the operator's
	From, To     time.Time // calls with a notification received in this span; zero: no bound

	// Slice is how many events are compared at a time, and at most how many are compared
	// again after an interruption; 0: four million, which take some 25 MB of
	// fingerprints, and the server some seconds.
	Slice uint64
}

// Rebuilt is how far a rebuild has come. Counts are of groups of calls under one
// base id.
type Rebuilt struct {
	Calls         int     `json:"calls"`          // compared with their notifications
	Differ        int     `json:"differ"`         // of these, how many rows were not what the notifications say
	Written       int     `json:"written"`        // rows of calls written
	NotReplaced   int     `json:"not_replaced"`   // differ, but stay: made of more notifications than are left, or of a higher version
	WithoutEvents int     `json:"without_events"` // rows of calls that have no notification left: they stay
	MissingKeys   int     `json:"missing_keys"`   // rows of call_keys that were missing, and were added
	Share         float64 `json:"share"`          // of the whole that is done, from 0 to 1
	Epoch         uint16  `json:"epoch"`          // that rows are written under with ChangedRules; 0: none
	Resumed       bool    `json:"resumed"`        // it continued an earlier one that did not finish
}

// rebuildPosition is the name under which the warehouse keeps the checkpoint.
const rebuildPosition = "rebuild"

// ErrRebuilding says that a rebuild is under way already.
var ErrRebuilding = errors.New("a rebuild is under way already")

// Rebuild derives calls again from their notifications and writes those whose
// rows differ, also while the Deriver runs: both write under the same lock, and
// a row is replaced only by one that is made of as many notifications or more.
// It may be interrupted anywhere, and continues after the last finished slice when it
// is called again. report (may be nil) is called with the progress, never twice at once.
//
// Comparing by fingerprints was chosen over reading the rows, which are stored by time
// while notifications are stored by call: rows would be looked up call by call,
// hours for millions. What differs is read, derived and written as any call is.
func (d *Deriver) Rebuild(ctx context.Context, archive Archive, o RebuildOptions, report func(Rebuilt)) (Rebuilt, error) {
	if !d.rebuilding.TryLock() {
		return Rebuilt{}, ErrRebuilding
	}
	defer d.rebuilding.Unlock()
	if report == nil {
		report = func(Rebuilt) {}
	}
	r := &rebuild{d: d, archive: archive, o: o, report: report}
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

	mu     sync.Mutex // guards at while several pieces are under way
	report func(Rebuilt)
	at     checkpoint
}

// checkpoint is what is saved of an unfinished rebuild.
type checkpoint struct {
	Rebuilt
	Integration string `json:"integration"` // the one that is under way
	Done        uint64 `json:"done"`        // its last group id that is done
}

func (r *rebuild) run(ctx context.Context) error {
	if r.o.Call != "" || !r.o.From.IsZero() || !r.o.To.IsZero() {
		return r.selected(ctx)
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
	return r.savePosition(ctx, "", 0)
}

// selected derives the calls that the options select.
func (r *rebuild) selected(ctx context.Context) (err error) {
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

// begin resumes an unfinished rebuild of the same kind, or prepares a new one.
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
	saved, err := r.d.opts.Store.Progress(ctx, rebuildPosition)
	if err != nil || saved == "" {
		return err
	}
	var at checkpoint
	if err := json.Unmarshal([]byte(saved), &at); err != nil {
		return fmt.Errorf("position of the rebuild: %w", err)
	}
	if (at.Epoch != 0) == r.o.ChangedRules {
		r.at, r.at.Resumed = at, true
	}
	return nil
}

// savePosition stores where to continue; no integration: the rebuild is finished.
func (r *rebuild) savePosition(ctx context.Context, integration string, done uint64) error {
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

// newEpoch chooses the epoch to write under. It is saved with the first slice, before
// a later rebuild could need it; where a crash loses it, a number is skipped.
func (r *rebuild) newEpoch(ctx context.Context) error {
	top, err := r.archive.TopEpoch(ctx)
	if err == nil && top == math.MaxUint16 {
		err = errors.New("there is no higher epoch left")
	}
	r.at.Epoch = top + 1
	return err
}

// share computes how much of the whole is done, from the number of events of each
// integration and the position within its ids.
type share struct{ before, own, total float64 }

func (s share) at(id uint64) float64 {
	return (s.before + s.own*float64(id)/math.MaxUint64) / max(s.total, 1)
}

func (r *rebuild) progress(share float64, change func(*Rebuilt)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.at.Rebuilt)
	r.at.Share = max(r.at.Share, share)
	r.report(r.at.Rebuilt)
}
