package fixity

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"fonoteka/internal/call"
	"fonoteka/internal/run"
)

// LocksOptions of Locks. Checker and Positions are required.
type LocksOptions struct {
	Checker   *Checker
	Positions Positions
	Rate      float64       // recordings looked at in a second, about; ten times as many once a lost lock was found; default 20
	Retry     time.Duration // after a failure; default 30 s
}

// Locks compares what the catalogue says is locked with the store, once after each
// start of a program: a folder that was copied, or restored from a backup, while it
// was stopped has perhaps lost what a copy leaves out. First some hundred recordings,
// drawn by lot and of the last days, are looked at; then all, in the order of the
// catalogue's key. The place is kept, so that a program that is started often gets
// through; where the first look finds a lost lock, it begins at the first again.
type Locks struct {
	opts   LocksOptions
	c      *Checker
	outage *run.Outage
}

// lockSample is how many recordings each of the two first looks takes.
const lockSample = 150

// lockPage is how many recordings are compared between two pauses.
const lockPage = 50

// recent is how far back the newest are that are looked at first.
const recent = 7 * 24 * time.Hour

const locksPosition = "locks"

// lockPlace is where the comparison stands, as it is kept.
type lockPlace struct {
	Integration string `json:"integration"`
	ID          string `json:"recording_id"`
}

// NewLocks makes Locks.
func NewLocks(o LocksOptions) (*Locks, error) {
	if o.Checker == nil || o.Positions == nil {
		return nil, errors.New("fixity: a comparison of locks needs a checker and a place for its position")
	}
	if o.Rate <= 0 {
		o.Rate = 20
	}
	if o.Retry <= 0 {
		o.Retry = 30 * time.Second
	}
	return &Locks{opts: o, c: o.Checker, outage: run.NewOutage("fixity/locks", o.Checker.opts.Log, o.Checker.opts.Registerer)}, nil
}

// Run compares all once and returns then, or when ctx ends. No failure stops it.
func (l *Locks) Run(ctx context.Context) error {
	var lost int
	var at lockPlace
	var done bool
	l.retryUntilDone(ctx, func() error {
		n, next, none, err := l.begin(ctx)
		lost, at, done = lost+n, next, none // what was lost counts though the rest failed: then it is found no more
		return err
	})
	if lost > 0 {
		at = lockPlace{}
	}
	for !done && ctx.Err() == nil {
		rate := l.opts.Rate
		if lost > 0 {
			rate *= 10
		}
		l.retryUntilDone(ctx, func() error {
			n, next, err := l.page(ctx, at)
			if lost += n; err != nil {
				return err
			}
			at, done = next, next == lockPlace{}
			return l.save(ctx, at)
		})
		if !done {
			run.Sleep(ctx, time.Duration(lockPage/rate*float64(time.Second)))
		}
	}
	if lost > 0 && ctx.Err() == nil {
		l.c.opts.Log.WarnContext(ctx, "every lock that the catalogue knows was compared with the store", "lost", lost)
	}
	return nil
}

// retryUntilDone tries until it succeeds or ctx ends.
func (l *Locks) retryUntilDone(ctx context.Context, do func() error) {
	for ctx.Err() == nil {
		err := do()
		if ctx.Err() != nil {
			return
		}
		if l.outage.Note(err); err == nil {
			return
		}
		l.c.m.failures.WithLabelValues("locks").Inc()
		run.Sleep(ctx, l.opts.Retry)
	}
}

// begin takes the first looks, and says where to go on. done: nothing is locked.
func (l *Locks) begin(ctx context.Context) (lost int, at lockPlace, done bool, err error) {
	rows, err := l.c.LockSample(ctx)
	if err != nil || len(rows) == 0 {
		return 0, at, err == nil, err
	}
	if lost, _, err = l.c.Relock(ctx, rows); err != nil {
		return lost, at, false, err
	}
	text, err := l.opts.Positions.Progress(ctx, locksPosition)
	if err == nil && json.Unmarshal([]byte(text), &at) != nil { // none is kept, or it cannot be read: from the first
		at = lockPlace{}
	}
	return lost, at, false, err
}

// page compares some recordings behind a place, and says where the next begin; the
// zero place: there are none.
func (l *Locks) page(ctx context.Context, at lockPlace) (lost int, next lockPlace, err error) {
	rows, err := l.c.opts.Rows.Archived(ctx, Query{AfterIntegration: at.Integration, AfterID: at.ID, LockedAfter: l.c.opts.Now()}, lockPage)
	if err != nil || len(rows) == 0 {
		return 0, lockPlace{}, err
	}
	lost, _, err = l.c.Relock(ctx, rows)
	last := rows[len(rows)-1]
	return lost, lockPlace{last.Integration, last.ID}, err
}

func (l *Locks) save(ctx context.Context, at lockPlace) error {
	text, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return l.opts.Positions.SetProgress(ctx, locksPosition, string(text))
}

// LockSample are recordings that are enough to see that a store has lost its locks:
// some drawn by lot of all that are locked, and some of those of the last days.
func (c *Checker) LockSample(ctx context.Context) ([]call.RecordingStatus, error) {
	now := c.opts.Now()
	all := Query{LockedAfter: now, Seed: uint64(now.UnixNano())}
	n, _, err := c.opts.Rows.Count(ctx, all)
	if err != nil || n == 0 {
		return nil, err
	}
	if n > lockSample {
		all.Share = lockSample / float64(n)
	}
	rows, err := c.opts.Rows.Archived(ctx, all, 2*lockSample)
	if err != nil {
		return nil, err
	}
	late, err := c.opts.Rows.Archived(ctx, Query{LockedAfter: now, Since: now.Add(-recent)}, lockSample)
	if err != nil {
		return nil, err
	}
	type key struct{ integration, id string }
	seen := map[key]bool{}
	var out []call.RecordingStatus
	for _, r := range append(rows, late...) {
		if k := (key{r.Integration, r.ID}); !seen[k] {
			seen[k] = true
			out = append(out, r)
		}
	}
	return out, nil
}
