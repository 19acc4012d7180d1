// Package relay moves what the spool holds to a sink and then moves the
// spool's cursor: spool → batches → sink → cursor. There are two, over one
// spool: "warehouse" turns notifications into rows, "recordings" turns
// announcements into jobs. When ClickHouse is out, downloads go on; when Redis
// is out, CDRs go on.
//
// A batch is given to the sink until it is taken: the sink must take the same
// batch twice without harm, since a crash between sink and cursor repeats it.
// A batch that the sink refuses for good (Options.Refused) is halved down to the one
// record at fault, which is set aside with the sink's reason, so that a poison message
// never blocks a cursor. Every other error counts as an outage, and is retried.
//
// A batch is bounded by its size in the spool, where bodies may be compressed; inflated
// they may be a thousand times as long. So a sink takes as much of a batch as it may hold
// inflated, and the cursor moves after each such portion: a spool full of compression
// bombs is worked off in pieces, also by a serve that is killed again and again.
//
// Both cursors decode every notification. That is deliberate: neither may wait for the
// other, and decoding is cheap.
//
// A Salvager gives the same sinks what can be read of damaged spools that were put
// aside, while the current one is relayed: each sink gets the records that its cursor
// there had not passed.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/run"
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

// DefaultMaxRecords of a batch: large inserts are cheap for ClickHouse, and so many
// records are decoded within some 100 ms.
const DefaultMaxRecords = 20_000

// Options of a Relay. Cursor, Source and Sink are required.
type Options struct {
	Cursor string // its name in the spool, and the metrics' label
	Source Source
	// Sink takes records from the beginning of a batch, at least one, and as many as it
	// may hold at a time; when err is nil, they are durable there.
	Sink func(ctx context.Context, batch []spool.Record) (taken int, err error)
	// Refused reports an error that will not pass by waiting. nil: none.
	Refused func(error) bool
	// SetAside keeps a record that was refused, with the reason.
	SetAside func(ctx context.Context, rec spool.Record, reason string) error

	MaxRecords int           // of a batch; default DefaultMaxRecords
	MaxBytes   int           // of a batch's bodies; default 16 MiB
	Gather     time.Duration // how long a batch that is not full waits for more; default 100 ms
	Flush      time.Duration // how long the last batch may take after Run was told to stop; default 10 s

	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: none
}

func (o *Options) validate() error {
	if o.Cursor == "" || o.Source == nil || o.Sink == nil || o.Refused != nil && o.SetAside == nil {
		return errors.New("relay: Cursor, Source and Sink are required, and SetAside where there is Refused")
	}
	o.Log = run.Log(o.Log)
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
	outage  *run.Outage
}

// New checks the options and registers the metrics.
func New(opts Options) (*Relay, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	return &Relay{
		opts: opts, metrics: newMetrics(opts.Cursor, opts.Registerer),
		outage: run.NewOutage("relay/"+opts.Cursor, opts.Log, opts.Registerer),
	}, nil
}

// Run relays until ctx is done or the spool is closed or has failed. The batch
// under way is finished, for Options.Flush at the most.
func (r *Relay) Run(ctx context.Context) error {
	full := false // there is more to read: no need to wait for more records
	for ctx.Err() == nil {
		after, err := r.opts.Source.Cursor(r.opts.Cursor)
		if err == nil {
			err = r.opts.Source.Wait(ctx, r.opts.Cursor, after)
		}
		if err == nil && !full {
			run.Sleep(ctx, r.opts.Gather)
		}
		if err == nil {
			full, err = r.step(ctx, after)
		}
		switch {
		case ctx.Err() != nil, errors.Is(err, spool.ErrClosed):
			return nil
		case errors.Is(err, spool.ErrMoved): // it was rewound: continue from there
		case errors.Is(err, spool.ErrFailed):
			return fmt.Errorf("relay %s: %w", r.opts.Cursor, err)
		case err != nil:
			r.metrics.failures.Inc()
			r.outage.Note(err)
			run.Sleep(ctx, time.Second)
		default:
			r.outage.Note(nil)
		}
	}
	return nil
}

// step reads a batch and delivers it in the portions that the sink takes, moving the
// cursor after each. A portion that is under way at a stop is finished; what is left
// of the batch is read again by the next Run.
func (r *Relay) step(ctx context.Context, after uint64) (full bool, err error) {
	batch, err := r.opts.Source.Read(ctx, after, r.opts.MaxRecords, r.opts.MaxBytes)
	if err != nil || len(batch) == 0 {
		return false, err
	}
	full = len(batch) >= r.opts.MaxRecords/2
	flush, stop := r.flushContext(ctx)
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

// flushContext returns a context that ends Options.Flush after ctx does.
func (r *Relay) flushContext(ctx context.Context) (context.Context, func()) {
	flush, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() { time.AfterFunc(r.opts.Flush, cancel) })
	return flush, func() { unhook(); cancel() }
}

// deliver hands a portion over, retrying through an outage, and returns how many records
// were taken. Where the sink refuses some for good, it is offered half as many, down to
// the one at fault, which is set aside; offered is how many it was offered last.
func (r *Relay) deliver(ctx context.Context, batch []spool.Record) (taken, offered int, err error) {
	backoff := run.Backoff{First: 100 * time.Millisecond, Max: 5 * time.Second}
	for {
		began := time.Now()
		n, err := r.opts.Sink(ctx, batch)
		switch {
		case err == nil:
			r.outage.Note(nil)
			r.metrics.delivered(n, time.Since(began))
			return n, len(batch), nil
		case r.opts.Refused != nil && r.opts.Refused(err) && len(batch) > 1:
			batch = batch[:len(batch)/2]
			continue
		case r.opts.Refused != nil && r.opts.Refused(err):
			return 1, 1, r.setAside(ctx, batch[0], err)
		case ctx.Err() != nil:
			return 0, 0, fmt.Errorf("deliver %d records: %w", len(batch), err)
		}
		r.metrics.failures.Inc()
		r.outage.Note(err, "records", len(batch))
		run.Sleep(ctx, backoff.Next())
	}
}

func (r *Relay) setAside(ctx context.Context, rec spool.Record, refusal error) error {
	r.opts.Log.Error("record set aside", "cursor", r.opts.Cursor, "seq", rec.Seq) // the server's error may quote the body
	for backoff := (run.Backoff{First: 100 * time.Millisecond, Max: time.Minute}); ; {
		err := r.opts.SetAside(ctx, rec, "the warehouse refused it: "+refusal.Error())
		if err == nil {
			r.outage.Note(nil)
			r.metrics.setAside.Inc()
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("set record aside: %w", err)
		}
		r.metrics.failures.Inc()
		r.outage.Note(errors.New("a record cannot be set aside"), "seq", rec.Seq) // the server's error may quote the body
		run.Sleep(ctx, backoff.Next())
	}
}
