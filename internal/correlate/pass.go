package correlate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"fonoteka/internal/call"
	"fonoteka/internal/run"
)

// Store is the warehouse.
type Store interface {
	// Actions reads what we asked the operator in [from, to).
	Actions(ctx context.Context, from, to time.Time) ([]Action, error)
	// LinkCandidates reads the calls begun in [from, to) that may have a link.
	LinkCandidates(ctx context.Context, from, to time.Time, actions []Action) ([]call.Record, error)
	// Links reads the links whose earlier call began in [from, to).
	Links(ctx context.Context, from, to time.Time) ([]Link, error)
	WriteLinks(ctx context.Context, add, remove []Link) error
}

// PasserOptions of a Passer. Store, SeatOf and Forwarders are required.
type PasserOptions struct {
	Store Store
	// SeatOf returns a Seat that asks the current directory.
	SeatOf func(ctx context.Context) (func(integration, account string, at time.Time) string, error)
	// Forwarders reads the forwarder lists of calls: one result for each call, in order.
	Forwarders func(ctx context.Context, calls []call.Record) ([][]string, error)

	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: none
}

// Passer keeps the table of links up to date, one span of time after another.
type Passer struct {
	opts    PasserOptions
	written *prometheus.CounterVec
	failed  prometheus.Counter
	outage  *run.Outage
}

// NewPasser checks the options and registers the metrics.
func NewPasser(o PasserOptions) (*Passer, error) {
	if o.Store == nil || o.SeatOf == nil || o.Forwarders == nil {
		return nil, errors.New("correlate: Store, SeatOf and Forwarders are required")
	}
	f := promauto.With(o.Registerer)
	return &Passer{
		opts: o, outage: run.NewOutage("correlate", o.Log, o.Registerer),
		written: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_call_links_written_total", Help: "Links between calls, or with an action, that were added or taken away, by kind.",
		}, []string{"kind", "change"}),
		failed: f.NewCounter(prometheus.CounterOpts{Name: "fonoteka_call_links_failures_total", Help: "Passes over the call links that failed; each is tried again."}),
	}, nil
}

// A sweep is how often the links of a span before now are computed. Notifications may
// arrive late, so that older days are computed again.
type sweep struct{ every, back time.Duration }

var sweeps = []sweep{
	{10 * time.Second, 20 * time.Minute},
	{time.Hour, 26 * time.Hour},
	{24 * time.Hour, 100 * 24 * time.Hour},
}

// chunk is the longest span of one pass.
const chunk = 24 * time.Hour

// Run makes passes until ctx ends. They take at most a twentieth of the time; older
// spans do not delay the newest.
func (p *Passer) Run(ctx context.Context) error {
	last := make([]time.Time, len(sweeps))
	var older []span
	for ctx.Err() == nil {
		began, worked := time.Now(), true
		switch {
		case began.Sub(last[0]) >= sweeps[0].every:
			if worked = p.try(ctx, span{began.Add(-sweeps[0].back), began.Add(sweeps[0].back)}); worked {
				last[0] = began
			}
			for i, s := range sweeps[1:] {
				if began.Sub(last[i+1]) >= s.every {
					older, last[i+1] = append(older, chunks(began.Add(-s.back), began.Add(-sweeps[0].back))...), began
				}
			}
		case len(older) > 0:
			if worked = p.try(ctx, older[0]); worked {
				older = older[1:]
			}
		}
		pause := 20 * time.Since(began)
		if len(older) == 0 || !worked {
			pause = max(pause, sweeps[0].every)
		}
		run.Sleep(ctx, max(pause, 50*time.Millisecond))
	}
	return nil
}

type span struct{ from, to time.Time }

// chunks cuts a span, the newest first.
func chunks(from, to time.Time) (out []span) {
	for to.After(from) {
		begin := to.Add(-chunk)
		if begin.Before(from) {
			begin = from
		}
		out = append(out, span{begin, to})
		to = begin
	}
	return out
}

// try makes a pass and reports whether it worked; Run tries a failed one again.
func (p *Passer) try(ctx context.Context, s span) bool {
	err := p.Pass(ctx, s.from, s.to)
	if ctx.Err() == nil {
		if err != nil {
			p.failed.Inc()
		}
		p.outage.Note(err)
	}
	return err == nil
}

// margin is how much before and after a span is read with it, so that the links of
// the span do not depend on where it begins and ends.
const margin = 4 * time.Hour

// Pass computes the links whose earlier call began in [from, to), and writes those that
// have changed. It may be repeated, and run at the same time as another one.
func (p *Passer) Pass(ctx context.Context, from, to time.Time) error {
	from, to = from.Truncate(time.Millisecond), to.Truncate(time.Millisecond)
	found, err := p.find(ctx, from, to)
	if err != nil {
		return fmt.Errorf("find links: %w", err)
	}
	stored, err := p.opts.Store.Links(ctx, from, to)
	if err != nil {
		return fmt.Errorf("find links: %w", err)
	}
	add, remove := changes(stored, found)
	if len(add)+len(remove) == 0 {
		return nil
	}
	if err := p.opts.Store.WriteLinks(ctx, add, remove); err != nil {
		return fmt.Errorf("write %d links: %w", len(add)+len(remove), err)
	}
	for _, l := range add {
		p.written.WithLabelValues(string(l.Kind), "added").Inc()
	}
	for _, l := range remove {
		p.written.WithLabelValues(string(l.Kind), "removed").Inc()
	}
	return nil
}

func (p *Passer) find(ctx context.Context, from, to time.Time) ([]Link, error) {
	actions, err := p.opts.Store.Actions(ctx, from.Add(-margin), to.Add(24*time.Hour))
	if err != nil {
		return nil, err
	}
	records, err := p.opts.Store.LinkCandidates(ctx, from.Add(-margin), to.Add(margin), actions)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	forwarders, err := p.opts.Forwarders(ctx, records)
	if err != nil {
		return nil, err
	}
	seat, err := p.opts.SeatOf(ctx)
	if err != nil {
		return nil, err
	}
	calls := make([]Call, len(records))
	for i, r := range records {
		calls[i] = Call{Record: r, Forwarders: forwarders[i]}
	}
	var within []Link
	for _, l := range Find(calls, actions, seat) {
		if at := l.From.StartedAt; !at.Before(from) && at.Before(to) {
			within = append(within, l)
		}
	}
	return within, nil
}

// changes are the links to write and those to remove.
func changes(stored, found []Link) (add, remove []Link) {
	type key struct {
		integration string
		kind        Kind
		from, to    uint64
		at          int64
	}
	keyOf := func(l Link) key {
		return key{l.Integration, l.Kind, l.From.CallID, l.To.CallID, l.From.StartedAt.UnixMilli()}
	}
	have := map[key]Link{}
	for _, l := range stored {
		have[keyOf(l)] = l
	}
	for _, l := range found {
		k := keyOf(l)
		old, ok := have[k]
		same := ok && old.ActionID == l.ActionID && old.Confidence == l.Confidence && old.Evidence == l.Evidence && old.To.StartedAt.Equal(l.To.StartedAt)
		if !same {
			add = append(add, l)
		}
		delete(have, k)
	}
	for _, l := range stored {
		if _, gone := have[keyOf(l)]; gone {
			remove = append(remove, l)
		}
	}
	return add, remove
}
