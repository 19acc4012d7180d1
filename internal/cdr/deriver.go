// Package cdr keeps the CDRs up to date: it follows the warehouse's feed of touched
// calls, reads all notifications of each, derives the call (call.Derive) and writes the
// rows that differ from what is stored. There must be one deriver only: two side by
// side would leave two live rows of a call whose start moved.
//
// Options.Derived is called after the rows are written, for what a CDR says of other
// things than the call: whether its recording is short, for example.
//
// Every touch is derived twice: at once, and again when it has settled, that is
// when no insert that was under way can still become visible. So a touch that
// becomes visible late, or before its event, is derived late and never lost. Rebuild, a
// method of the same deriver, does the same for calls that nothing touched. Marking
// touches as done was rejected: ClickHouse has no cheap way to do that, and a crash
// between rows and mark would need the second derivation all the same.
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
	"fonoteka/internal/run"
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

// Options of a Deriver. Store and Decode are required.
type Options struct {
	Store  Store
	Decode func(integration string, body []byte, received time.Time) (call.Event, error)
	Rules  func(integration string) call.Rules // nil: the zero Rules
	// Derived is called with the CDRs that have recordings, written or unchanged, each
	// time their calls are derived. Its error makes the pass fail, and be repeated; where
	// it is a permanent refusal by the server, the call is skipped. May be nil.
	Derived func(ctx context.Context, records []call.Record) error
	Epoch   uint16 // the lowest epoch that rows are written under; rows of a higher one keep theirs

	// EndAfter is the silence after which a call without an end is ended by
	// inference; default 6 h. It is counted from the receive time of its last
	// notification.
	EndAfter time.Duration
	Every    time.Duration // how often the feed is polled; default 500 ms. An idle one is polled a fourth as often
	Settle   time.Duration // default warehouse.InsertTimeout + 5 s
	Page     int           // calls derived at a time; default 2,000, some 10 MB of bodies

	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: none
}

func (o *Options) validate() error {
	if o.Store == nil || o.Decode == nil {
		return errors.New("cdr: Store and Decode are required")
	}
	o.Log = run.Log(o.Log)
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
	outage  *run.Outage

	writing    sync.Mutex // one read, derivation and write of calls at a time
	rebuilding sync.Mutex
	lastTouch  time.Time // when the feed last had something, by our clock
	fresh      time.Time // touches up to here were derived once
	settled    time.Time // touches up to here were derived twice; this position is saved
	saved      time.Time // the value of settled that the warehouse has
}

// New checks the options and registers the metrics.
func New(opts Options) (*Deriver, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	return &Deriver{
		opts: opts, metrics: newMetrics(opts.Registerer),
		outage: run.NewOutage("cdr", opts.Log, opts.Registerer),
	}, nil
}

// position is the name under which the warehouse keeps Deriver.settled.
const position = "deriver"

// idleAfter is how long a feed has nothing before it is polled less often: at night
// polling is most of what an installation does.
const idleAfter = 30 * time.Second

// Run derives until ctx is done. It waits for the end of an outage of the warehouse.
func (d *Deriver) Run(ctx context.Context) error {
	loaded := false
	d.lastTouch = time.Now()
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
		if err != nil {
			d.metrics.failures.Inc()
		}
		d.outage.Note(err)
		if !more {
			run.Sleep(ctx, d.pollInterval())
		}
	}
	return nil
}

func (d *Deriver) pollInterval() time.Duration {
	if time.Since(d.lastTouch) > idleAfter {
		return 4 * d.opts.Every
	}
	return d.opts.Every
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
	d.fresh, d.saved = d.settled, d.settled
	return nil
}

// pass derives a page of fresh touches and one of settled ones; neither waits
// for the other to be worked off, so that a busy day starves neither. more says that
// there may be further ones.
func (d *Deriver) pass(ctx context.Context) (more bool, err error) {
	now, err := d.opts.Store.ServerTime(ctx)
	if err != nil {
		return false, err
	}
	d.followClock(now)
	freshMore, err := d.deriveFresh(ctx, now)
	if err != nil {
		return false, err
	}
	settledMore, err := d.deriveSettled(ctx, now.Add(-d.opts.Settle))
	return freshMore || settledMore, err
}

// followClock moves the positions back where the server's clock was set back: touches
// would otherwise be written before our position, and never be read.
func (d *Deriver) followClock(now time.Time) {
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

// deriveFresh derives the next page of touches for the first time.
func (d *Deriver) deriveFresh(ctx context.Context, now time.Time) (more bool, err error) {
	touches, err := d.opts.Store.Touched(ctx, d.fresh, d.opts.Page)
	if err != nil {
		return false, err
	}
	if len(touches) == 0 {
		d.metrics.derivedTo.Store(now.UnixMilli())
		return false, nil
	}
	d.lastTouch = time.Now()
	if err := d.derive(ctx, keysOf(touches)); err != nil {
		return false, err
	}
	d.fresh = touches[len(touches)-1].At
	d.metrics.derivedTo.Store(d.fresh.UnixMilli())
	return len(touches) >= d.opts.Page, nil
}

// deriveSettled derives the next page of touches up to until for the second time.
func (d *Deriver) deriveSettled(ctx context.Context, until time.Time) (more bool, err error) {
	if !until.After(d.settled) {
		return false, nil
	}
	if d.settled.Equal(d.fresh) { // deriveFresh has just found that there is nothing after it
		return false, d.savePosition(ctx, false)
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
	return more, d.savePosition(ctx, more)
}

// savePosition stores the position where it has changed: at once after a step of the
// clock; in a backlog, when it is a second further, and when the backlog is worked off.
func (d *Deriver) savePosition(ctx context.Context, more bool) error {
	ahead := d.settled.Sub(d.saved)
	if ahead == 0 || more && ahead > 0 && ahead < time.Second {
		return nil
	}
	if err := d.opts.Store.SetProgress(ctx, position, d.settled.Format(time.RFC3339Nano)); err != nil {
		return err
	}
	d.saved = d.settled
	return nil
}

// endOpen derives open calls again that have been silent for EndAfter, so that they
// are ended by inference.
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
