package links

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
)

// Store is the warehouse.
type Store interface {
	// Actions reads what we asked the operator in [from, to).
	Actions(ctx context.Context, from, to time.Time) ([]Action, error)
	// LinkCandidates reads the calls begun in [from, to) that may be linked.
	LinkCandidates(ctx context.Context, from, to time.Time, actions []Action) ([]call.Record, error)
	// Links reads the links whose earlier call began in [from, to).
	Links(ctx context.Context, from, to time.Time) ([]Link, error)
	WriteLinks(ctx context.Context, add, remove []Link) error
}

// PasserOptions of a Passer. Store, SeatOf and Forwarders are required.
type PasserOptions struct {
	Store Store
	// SeatOf returns a Seat for the directory of now.
	SeatOf func(ctx context.Context) (func(integration, account string, at time.Time) string, error)
	// Forwarders reads who is named in the forwarder lists of calls, by their
	// place in the slice.
	Forwarders func(ctx context.Context, calls []call.Record) ([][]string, error)

	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Passer keeps the table of links true, one span of time after another.
type Passer struct {
	o       PasserOptions
	written *prometheus.CounterVec
	failed  prometheus.Counter
	quiet   bool
}

// NewPasser checks the options and registers the metrics.
func NewPasser(o PasserOptions) (*Passer, error) {
	if o.Store == nil || o.SeatOf == nil || o.Forwarders == nil {
		return nil, errors.New("links: Store, SeatOf and Forwarders are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Passer{
		o: o, quiet: true,
		written: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_links_written_total", Help: "Links between calls, or with an action, that were added or taken away, by kind.",
		}, []string{"kind", "change"}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{Name: "fonoteka_links_failures_total", Help: "Passes over the links that failed; each is tried again."}),
	}
	if o.Registerer == nil {
		return p, nil
	}
	return p, errors.Join(o.Registerer.Register(p.written), o.Registerer.Register(p.failed))
}

// A beat is how often a span before now is looked at. What a call needs may come
// late, so that older days are looked at again.
type beat struct{ every, back time.Duration }

var beats = []beat{
	{10 * time.Second, 20 * time.Minute},
	{time.Hour, 26 * time.Hour},
	{24 * time.Hour, 100 * 24 * time.Hour},
}

// chunk is the most that is looked at in one pass.
const chunk = 24 * time.Hour

// Run passes until ctx ends. It takes at most a twentieth of the time; what is
// long ago does not hold up what is new.
func (p *Passer) Run(ctx context.Context) error {
	last := make([]time.Time, len(beats))
	var older []span
	for ctx.Err() == nil {
		began, worked := time.Now(), true
		switch {
		case began.Sub(last[0]) >= beats[0].every:
			if worked = p.try(ctx, span{began.Add(-beats[0].back), began.Add(beats[0].back)}); worked {
				last[0] = began
			}
			for i, b := range beats[1:] {
				if began.Sub(last[i+1]) >= b.every {
					older, last[i+1] = append(older, chunks(began.Add(-b.back), began.Add(-beats[0].back))...), began
				}
			}
		case len(older) > 0:
			if worked = p.try(ctx, older[0]); worked {
				older = older[1:]
			}
		}
		pause := 20 * time.Since(began)
		if len(older) == 0 || !worked {
			pause = max(pause, beats[0].every)
		}
		wait(ctx, max(pause, 50*time.Millisecond))
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

// try passes once; a failure is tried again at the next beat.
func (p *Passer) try(ctx context.Context, s span) bool {
	err := p.Pass(ctx, s.from, s.to)
	if ctx.Err() == nil {
		p.say(err)
	}
	return err == nil
}

// around is how much before and after a span is read with it, so that what is
// found in it does not depend on where it begins.
const around = 4 * time.Hour

// Pass makes the links true whose earlier call began in [from, to). It may run
// again, and side by side with another.
func (p *Passer) Pass(ctx context.Context, from, to time.Time) error {
	from, to = from.Truncate(time.Millisecond), to.Truncate(time.Millisecond)
	found, err := p.find(ctx, from, to)
	if err != nil {
		return fmt.Errorf("find links: %w", err)
	}
	stored, err := p.o.Store.Links(ctx, from, to)
	if err != nil {
		return fmt.Errorf("find links: %w", err)
	}
	add, remove := changes(stored, found)
	if len(add)+len(remove) == 0 {
		return nil
	}
	if err := p.o.Store.WriteLinks(ctx, add, remove); err != nil {
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
	actions, err := p.o.Store.Actions(ctx, from.Add(-around), to.Add(24*time.Hour))
	if err != nil {
		return nil, err
	}
	records, err := p.o.Store.LinkCandidates(ctx, from.Add(-around), to.Add(around), actions)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	forwarders, err := p.o.Forwarders(ctx, records)
	if err != nil {
		return nil, err
	}
	seat, err := p.o.SeatOf(ctx)
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

// changes are the links to write and those that hold no more.
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

// say logs the beginning and the end of an outage once.
func (p *Passer) say(err error) {
	switch {
	case err != nil:
		p.failed.Inc()
		if p.quiet {
			p.o.Log.Warn("links wait for the warehouse", "err", err)
		}
	case !p.quiet:
		p.o.Log.Info("links are found again")
	}
	p.quiet = err == nil
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
