// Package cdr keeps the CDRs true: it follows the warehouse's feed of touched
// calls, reads each call whole, derives it (call.Derive) and writes the rows
// that differ from what is stored. There must be one deriver only: two side by
// side would leave two live rows of a call whose start moved.
//
// What the CDR says of other things than the call, as whether its recording is short, is
// told to Options.Derived, after the rows are written.
//
// Every touch is derived twice: at once, and again when it has settled, that is
// when no insert that was under way can still become visible. So a touch that
// shows up late, or before its event, is only late and never lost. Rebuild, a
// method of the one deriver, does the same for calls that nothing touched. Marking
// touches as done was rejected: ClickHouse has no cheap way to, and a crash
// between rows and mark would need the second look all the same.
package cdr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse"
)

// Store is the warehouse as the deriver sees it.
type Store interface {
	Touched(ctx context.Context, after time.Time, limit int) ([]Touch, error)
	ServerTime(ctx context.Context) (time.Time, error)
	Progress(ctx context.Context, name string) (string, error)
	SetProgress(ctx context.Context, name, position string) error
	EventsOf(ctx context.Context, keys []call.GroupKey) (map[call.GroupKey][]StoredEvent, error)
	StoredCalls(ctx context.Context, keys []call.GroupKey) (map[call.GroupKey][]StoredCall, error)
	WriteCalls(ctx context.Context, writes []CallWrite) error
	OpenCalls(ctx context.Context, before time.Time, limit int) ([]call.GroupKey, error)
}

// Options of a Deriver. Store, Decode and Log are required.
type Options struct {
	Store  Store
	Decode func(integration string, body []byte, received time.Time) (call.Event, error)
	Rules  func(integration string) call.Rules // nil: the zero Rules
	// Derived hears of CDRs, those that have recordings and are written or the same as
	// before, once for each look at their calls. Its error makes the look fail, and be
	// repeated; a refusal for good passes over the call that meets it. nil: nobody does.
	Derived func(ctx context.Context, records []call.Record) error
	Epoch   uint16 // the least under which rows are written; those of a higher one keep theirs

	// EndAfter is the silence after which a call without an end is ended by
	// inference; default 6 h. It is counted from the receive time of its last
	// notification.
	EndAfter time.Duration
	Every    time.Duration // how often the feed is asked; default 500 ms. A still one is asked a fourth as often
	Settle   time.Duration // default warehouse.InsertTimeout + 5 s
	Page     int           // calls derived at a time; default 2,000, some 10 MB of bodies

	Log        *slog.Logger
	Registerer prometheus.Registerer
}

func (o *Options) validate() error {
	if o.Store == nil || o.Decode == nil || o.Log == nil {
		return errors.New("cdr: Store, Decode and Log are required")
	}
	if o.Rules == nil {
		o.Rules = func(string) call.Rules { return call.Rules{} }
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.EndAfter, 6 * time.Hour}, {&o.Every, 500 * time.Millisecond}, {&o.Settle, warehouse.InsertTimeout + 5*time.Second}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if o.Page <= 0 {
		o.Page = 2000
	}
	return nil
}

// Deriver derives what was touched.
type Deriver struct {
	opts    Options
	metrics metrics

	writing    sync.Mutex // one read, derivation and write of calls at a time
	rebuilding sync.Mutex
	touched    time.Time // when the feed last had something, by our clock
	fresh      time.Time // touches up to here were derived once
	settled    time.Time // and up to here again; the position that is kept
	kept       time.Time // of settled, what the warehouse has
}

// New checks the options and registers the metrics.
func New(opts Options) (*Deriver, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	d := &Deriver{opts: opts}
	m, err := newMetrics(opts.Registerer)
	d.metrics = m
	return d, err
}

// position is the name under which the warehouse keeps Deriver.settled.
const position = "deriver"

// still is how long a feed has nothing before it is asked less often: at night
// the questions are most of what an installation does.
const still = 30 * time.Second

// Run derives until ctx is done. An outage of the warehouse is waited for.
func (d *Deriver) Run(ctx context.Context) error {
	loaded, quiet := false, true
	d.touched = time.Now()
	var swept time.Time
	for ctx.Err() == nil {
		err := error(nil)
		if !loaded {
			err = d.load(ctx)
			loaded = err == nil
		}
		more := false
		if err == nil {
			more, err = d.pass(ctx)
		}
		if err == nil && !more && time.Since(swept) > time.Minute {
			swept = time.Now()
			err = d.endOpen(ctx)
		}
		if ctx.Err() != nil {
			break
		}
		d.say(err, &quiet)
		if !more {
			sleep(ctx, d.pause())
		}
	}
	return nil
}

// pause is how long the feed is left alone.
func (d *Deriver) pause() time.Duration {
	if time.Since(d.touched) > still {
		return 4 * d.opts.Every
	}
	return d.opts.Every
}

// say logs the beginning and the end of an outage once.
func (d *Deriver) say(err error, quiet *bool) {
	switch {
	case err != nil:
		d.metrics.failures.Inc()
		if *quiet {
			d.opts.Log.Warn("deriver waits for the warehouse", "err", err)
		}
	case !*quiet:
		d.opts.Log.Info("deriver goes on")
	}
	*quiet = err == nil
}

func (d *Deriver) load(ctx context.Context) error {
	s, err := d.opts.Store.Progress(ctx, position)
	if err != nil {
		return err
	}
	if s != "" {
		if d.settled, err = time.Parse(time.RFC3339Nano, s); err != nil {
			return fmt.Errorf("position of the deriver: %w", err)
		}
	}
	d.fresh, d.kept = d.settled, d.settled
	return nil
}

// pass derives a page of fresh touches and one of settled ones; neither waits
// for the other, so that a busy day starves nothing. more says that there may be
// further ones.
func (d *Deriver) pass(ctx context.Context) (more bool, err error) {
	now, err := d.opts.Store.ServerTime(ctx)
	if err != nil {
		return false, err
	}
	d.mindClock(now)
	freshMore, err := d.follow(ctx, now)
	if err != nil {
		return false, err
	}
	settledMore, err := d.settle(ctx, now.Add(-d.opts.Settle))
	return freshMore || settledMore, err
}

// mindClock goes back where the server's clock did: touches would otherwise be
// written before our position, and never be seen.
func (d *Deriver) mindClock(now time.Time) {
	if !d.fresh.After(now.Add(time.Second)) {
		return
	}
	d.metrics.clockSteps.Inc()
	d.opts.Log.Warn("the warehouse's clock was set back, deriving again from before", "ahead", d.fresh.Sub(now))
	d.fresh = now.Add(-d.opts.Settle)
	if d.settled.After(d.fresh) {
		d.settled = d.fresh
	}
}

func (d *Deriver) follow(ctx context.Context, now time.Time) (more bool, err error) {
	touches, err := d.opts.Store.Touched(ctx, d.fresh, d.opts.Page)
	if err != nil {
		return false, err
	}
	if len(touches) == 0 {
		d.metrics.derivedTo.Store(now.UnixMilli())
		return false, nil
	}
	d.touched = time.Now()
	if err := d.derive(ctx, keysOf(touches)); err != nil {
		return false, err
	}
	d.fresh = touches[len(touches)-1].At
	d.metrics.derivedTo.Store(d.fresh.UnixMilli())
	return len(touches) >= d.opts.Page, nil
}

func (d *Deriver) settle(ctx context.Context, until time.Time) (more bool, err error) {
	if !until.After(d.settled) {
		return false, nil
	}
	if d.settled.Equal(d.fresh) { // follow has just found that there is nothing after it
		return false, d.keep(ctx, false)
	}
	touches, err := d.opts.Store.Touched(ctx, d.settled, d.opts.Page)
	if err != nil {
		return false, err
	}
	more = len(touches) >= d.opts.Page
	for len(touches) > 0 && touches[len(touches)-1].At.After(until) {
		touches, more = touches[:len(touches)-1], false
	}
	if len(touches) > 0 {
		if err := d.derive(ctx, keysOf(touches)); err != nil {
			return false, err
		}
		d.settled = touches[len(touches)-1].At
		if d.fresh.Before(d.settled) {
			d.fresh = d.settled
		}
	}
	return more, d.keep(ctx, more)
}

// keep stores the position where it has changed: at once after a clock's step,
// else each second of a backlog and when it is worked off.
func (d *Deriver) keep(ctx context.Context, more bool) error {
	ahead := d.settled.Sub(d.kept)
	if ahead == 0 || more && ahead > 0 && ahead < time.Second {
		return nil
	}
	if err := d.opts.Store.SetProgress(ctx, position, d.settled.Format(time.RFC3339Nano)); err != nil {
		return err
	}
	d.kept = d.settled
	return nil
}

// endOpen derives calls again that went on for too long to be true.
func (d *Deriver) endOpen(ctx context.Context) error {
	keys, err := d.opts.Store.OpenCalls(ctx, time.Now().Add(-d.opts.EndAfter), d.opts.Page)
	if err != nil || len(keys) == 0 {
		return err
	}
	return d.derive(ctx, keys)
}

func keysOf(touches []Touch) []call.GroupKey {
	seen := make(map[call.GroupKey]bool, len(touches))
	var keys []call.GroupKey
	for _, t := range touches {
		if !seen[t.GroupKey] {
			seen[t.GroupKey] = true
			keys = append(keys, t.GroupKey)
		}
	}
	return keys
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
