// Package relay moves what the spool holds to a sink and then moves the
// spool's cursor: spool → batches → sink → cursor. There are two, over one
// spool: "warehouse" turns notifications into rows, "recordings" turns
// announcements into jobs. When ClickHouse is out, downloads go on; when Redis
// is out, CDRs go on.
//
// A batch is given to the sink until it is taken: the sink must take the same
// batch twice without harm, since a crash between sink and cursor repeats it.
// What the sink refuses for good (Options.Refused) is halved down to the one
// record, which is set aside with the sink's words, so that poison never
// blocks a cursor. Everything else counts as an outage and is waited for.
//
// A batch is bounded as it lies in the spool; bodies may be compressed, and become a
// thousand times as long. So a sink takes of a batch what it may hold inflated, and
// the cursor moves after each such portion: a spool full of bombs is worked off in
// pieces, also by a serve that is killed again and again.
//
// A Salvager gives the same sinks what can be read of damaged spools that were put
// aside, beside the current one: to each sink what its cursor there had not passed.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/spool"
)

// Source is the spool as a relay sees it. Wait and Advance return spool.ErrMoved
// where the cursor is not at the given number any more.
type Source interface {
	Read(ctx context.Context, after uint64, max, maxBytes int) ([]spool.Record, error)
	Wait(ctx context.Context, cursor string, after uint64) error
	Cursor(name string) (uint64, error)
	Advance(name string, from, to uint64) error
}

// DefaultMaxRecords of a batch: ClickHouse likes large inserts, and this one
// decodes within some 100 ms.
const DefaultMaxRecords = 20_000

// Options of a Relay. Cursor, Source, Sink and Log are required.
type Options struct {
	Cursor string // its name in the spool, and the metrics' label
	Source Source
	// Sink takes as much of a batch as it may hold at a time, one record at least,
	// from its beginning; when err is nil, those records are durable there.
	Sink func(ctx context.Context, batch []spool.Record) (taken int, err error)
	// Refused reports an error that will not pass by waiting. nil: none.
	Refused func(error) bool
	// SetAside keeps a record that was refused, with the reason.
	SetAside func(ctx context.Context, rec spool.Record, reason string) error

	MaxRecords int           // of a batch; default DefaultMaxRecords
	MaxBytes   int           // of a batch's bodies; default 16 MiB
	Gather     time.Duration // how long a batch that is not full waits for more; default 100 ms
	Flush      time.Duration // how long the last batch may take after Run was told to stop; default 10 s

	Log        *slog.Logger
	Registerer prometheus.Registerer // nil: metrics are kept to itself
}

func (o *Options) validate() error {
	if o.Cursor == "" || o.Source == nil || o.Sink == nil || o.Log == nil || o.Refused != nil && o.SetAside == nil {
		return errors.New("relay: Cursor, Source, Sink and Log are required, and SetAside where there is Refused")
	}
	for _, d := range []struct {
		v   *int
		def int
	}{{&o.MaxRecords, DefaultMaxRecords}, {&o.MaxBytes, 16 << 20}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if o.Gather == 0 {
		o.Gather = 100 * time.Millisecond
	}
	if o.Flush == 0 {
		o.Flush = 10 * time.Second
	}
	return nil
}

// Relay is one cursor's worker.
type Relay struct {
	opts    Options
	metrics metrics
}

// New checks the options and registers the metrics.
func New(opts Options) (*Relay, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(opts.Cursor, opts.Registerer)
	return &Relay{opts: opts, metrics: m}, err
}

// Run relays until ctx is done or the spool is closed or has failed. The batch
// under way is finished, for Options.Flush at the most.
func (r *Relay) Run(ctx context.Context) error {
	full := false // there is more: no use in gathering
	for ctx.Err() == nil {
		after, err := r.opts.Source.Cursor(r.opts.Cursor)
		if err == nil {
			err = r.opts.Source.Wait(ctx, r.opts.Cursor, after)
		}
		if err == nil && !full {
			sleep(ctx, r.opts.Gather)
		}
		if err == nil {
			full, err = r.step(ctx, after)
		}
		switch {
		case ctx.Err() != nil, errors.Is(err, spool.ErrClosed):
			return nil
		case errors.Is(err, spool.ErrMoved): // rewound: go on from there
		case errors.Is(err, spool.ErrFailed):
			return fmt.Errorf("relay %s: %w", r.opts.Cursor, err)
		case err != nil:
			r.metrics.failures.Inc()
			r.opts.Log.Error("relay stumbled", "cursor", r.opts.Cursor, "err", err)
			sleep(ctx, time.Second)
		}
	}
	return nil
}

// step reads a batch and moves it, by the portions that the sink takes, and the cursor
// after each of them. A portion that is under way at a stop is finished; what is left
// of the batch is read again by the next Run.
func (r *Relay) step(ctx context.Context, after uint64) (full bool, err error) {
	batch, err := r.opts.Source.Read(ctx, after, r.opts.MaxRecords, r.opts.MaxBytes)
	if err != nil || len(batch) == 0 {
		return false, err
	}
	full = len(batch) >= r.opts.MaxRecords/2
	flush, stop := r.outlive(ctx)
	defer stop()
	offer := len(batch)
	for more := true; more; more = len(batch) > 0 && ctx.Err() == nil {
		n, offered, err := r.deliver(flush, batch[:min(offer, len(batch))])
		if err != nil {
			return false, err
		}
		offer = 2 * offered // fewer than before where some were refused
		to := batch[n-1].Seq
		if err := r.opts.Source.Advance(r.opts.Cursor, after, to); err != nil {
			return full, err
		}
		clear(batch[:n]) // the bodies are not needed any more
		after, batch = to, batch[n:]
	}
	return full, nil
}

// outlive returns a context that ends Options.Flush after ctx does.
func (r *Relay) outlive(ctx context.Context) (context.Context, func()) {
	flush, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() { time.AfterFunc(r.opts.Flush, cancel) })
	return flush, func() { unhook(); cancel() }
}

// deliver hands a portion over, waiting out an outage, and returns how many records
// were taken. Where some are refused for good it offers half as many, down to the one,
// which is set aside; offered is how many it came down to.
func (r *Relay) deliver(ctx context.Context, batch []spool.Record) (taken, offered int, err error) {
	pause := 100 * time.Millisecond
	for attempt := 1; ; attempt++ {
		began := time.Now()
		n, err := r.opts.Sink(ctx, batch)
		switch {
		case err == nil:
			if attempt > 1 {
				r.opts.Log.Info("relay goes on", "cursor", r.opts.Cursor, "attempt", attempt)
			}
			r.metrics.delivered(n, time.Since(began))
			return n, len(batch), nil
		case r.opts.Refused != nil && r.opts.Refused(err) && len(batch) > 1:
			batch, attempt = batch[:len(batch)/2], 0
			continue
		case r.opts.Refused != nil && r.opts.Refused(err):
			return 1, 1, r.setAside(ctx, batch[0], err)
		case ctx.Err() != nil:
			return 0, 0, fmt.Errorf("deliver %d records: %w", len(batch), err)
		}
		r.metrics.failures.Inc()
		if attempt == 1 || attempt%20 == 0 {
			r.opts.Log.Warn("relay waits for its sink", "cursor", r.opts.Cursor, "attempt", attempt, "records", len(batch), "err", err)
		}
		sleep(ctx, pause)
		pause = min(2*pause, 5*time.Second)
	}
}

func (r *Relay) setAside(ctx context.Context, rec spool.Record, refusal error) error {
	r.opts.Log.Error("record set aside", "cursor", r.opts.Cursor, "seq", rec.Seq) // the server's words may quote the body
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, time.Minute) {
		err := r.opts.SetAside(ctx, rec, "the warehouse refused it: "+refusal.Error())
		if err == nil {
			r.metrics.setAside.Inc()
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("set record aside: %w", err)
		}
		r.metrics.failures.Inc()
		r.opts.Log.Warn("record cannot be set aside yet", "cursor", r.opts.Cursor, "seq", rec.Seq)
		sleep(ctx, pause)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
