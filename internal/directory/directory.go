// Package directory keeps the company's directory in the warehouse, with its
// history: numbers, workplaces and terminals as the operator lists them, and
// departments, employees and names of numbers, which the operator does not
// know, as they are configured or imported.
//
// Contract. A Keeper fetches the operator's lists at start, after each notification
// numbersChanged or workplacesChanged, and daily. Each difference from what is
// stored becomes a row that is valid from then on; nothing is overwritten, so that
// who had a workplace in March can be asked in May. A change needs no
// rebuild: rows of calls hold accounts, and names are looked up by the range
// dictionaries of the warehouse for the time of the call.
//
// The first row of a number, workplace or terminal also holds for the time before it:
// calls from before the first fetch get its names. A department or employee
// holds from its day on; one without a day, where there was none before, for all
// calls. What the operator does not list any more is marked as gone, and keeps its last
// name.
//
// Equal notifications within one minute are one event in the warehouse, with the receive
// time of the first (mtt.Debounce). So the lists are fetched soon after it, and once more
// when that minute is over. The events are read from the warehouse instead of being
// passed on by the relay: it may run in another process, and a change that came
// during an outage is not missed.
//
// The directory plays no part in the derivation of calls, although a known account
// would show which side is ours where a notification does not: a
// CDR would depend on when it was derived, and every change would need a
// rebuild. The operator marks our side (centrexId) in all its examples.
package directory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
	"fonoteka/internal/run"
)

// Source is the operator's API for one integration.
type Source interface {
	ExternalNumbers(ctx context.Context) ([]mtt.ExternalNumber, error)
	Workplaces(ctx context.Context) ([]mtt.Workplace, error)
	Terminals(ctx context.Context) ([]mtt.Terminal, error)
}

// Store is the warehouse.
type Store interface {
	Directory(ctx context.Context, integration string, at time.Time) ([]Row, error)
	InsertDirectory(ctx context.Context, rows []Row) error
	// DirectoryChanged is when the newest notification of a change arrived; zero
	// if none ever did.
	DirectoryChanged(ctx context.Context, integration string) (time.Time, error)
	SetProgress(ctx context.Context, name, position string) error
}

// Options of a Keeper. Integration, Source and Store are required.
type Options struct {
	Integration string
	Source      Source
	Store       Store
	AreaCode    string // as in call.Rules
	// Departments are those of the configuration: workplace → department.
	Departments map[string]string
	// NotYet says whether an error of Source only means that nobody has logged in yet.
	NotYet func(error) bool

	Every time.Duration // between fetches without a notification; 0: 24 h
	Poll  time.Duration // how often the warehouse is polled for notifications; 0: 5 s

	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: none; Keepers of several integrations may share one
}

func (o *Options) validate() error {
	if o.Integration == "" || o.Source == nil || o.Store == nil {
		return errors.New("directory: Integration, Source and Store are required")
	}
	if o.NotYet == nil {
		o.NotYet = func(error) bool { return false }
	}
	o.Every = cmp.Or(o.Every, 24*time.Hour)
	o.Poll = cmp.Or(o.Poll, 5*time.Second)
	o.Log = run.Log(o.Log)
	return nil
}

// Keeper keeps the directory of one integration.
type Keeper struct {
	opts   Options
	m      metrics
	outage *run.Outage
}

// New checks the options and registers the metrics.
func New(o Options) (*Keeper, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Keeper{
		opts: o, m: newMetrics(o.Integration, o.Registerer),
		outage: run.NewOutage("directory/"+o.Integration, o.Log, o.Registerer),
	}, nil
}

// Fetch reads the operator's lists and stores the differences; they are valid
// from the given time on. It returns how many there were.
func (k *Keeper) Fetch(ctx context.Context, from time.Time) (changes int, err error) {
	listed, err := k.listed(ctx)
	if err != nil {
		return 0, err
	}
	stored, err := k.opts.Store.Directory(ctx, k.opts.Integration, from.AddDate(100, 0, 0))
	if err != nil {
		return 0, fmt.Errorf("read the directory: %w", err)
	}
	rows := differences(stored, listed, from)
	if err := k.opts.Store.InsertDirectory(ctx, rows); err != nil {
		return 0, fmt.Errorf("store %d changes of the directory: %w", len(rows), err)
	}
	for _, r := range rows {
		k.m.changes.WithLabelValues(string(r.Kind)).Inc()
	}
	k.m.fetched.Set(float64(time.Now().Unix()))
	if err := k.opts.Store.SetProgress(ctx, FetchedName(k.opts.Integration), time.Now().UTC().Format(time.RFC3339)); err != nil {
		return 0, fmt.Errorf("note that the directory was fetched: %w", err)
	}
	return len(rows), nil
}

// FetchedName is the name under which the warehouse keeps when an integration's
// directory was last fetched, in RFC 3339.
func FetchedName(integration string) string { return "directory/" + integration }

// listed returns what the operator lists now.
func (k *Keeper) listed(ctx context.Context) ([]Row, error) {
	numbers, err := k.opts.Source.ExternalNumbers(ctx)
	if err != nil {
		return nil, err
	}
	workplaces, err := k.opts.Source.Workplaces(ctx)
	if err != nil {
		return nil, err
	}
	terminals, err := k.opts.Source.Terminals(ctx)
	if err != nil {
		return nil, err
	}
	var rows []Row
	add := func(kind Kind, id, word, raw string) {
		rows = append(rows, Row{Kind: kind, Integration: k.opts.Integration, ID: id, Word: word, Raw: raw})
	}
	for _, n := range numbers {
		add(Number, cmp.Or(call.ParseNumber(n.Number, k.opts.AreaCode).Digits, n.Number), n.Type, n.Number)
	}
	for _, w := range workplaces {
		add(Workplace, w.ID, w.Name, "")
	}
	for _, t := range terminals {
		add(Terminal, t.ID, t.Workplace, "")
	}
	return rows, nil
}

type rowKey struct {
	kind Kind
	id   string
}

// differences are the rows that turn the stored directory into the listed one. Where an
// id is listed twice, the first counts.
func differences(stored, listed []Row, from time.Time) []Row {
	old := map[rowKey]Row{}
	for _, r := range stored {
		old[rowKey{r.Kind, r.ID}] = r
	}
	seen := map[rowKey]bool{}
	var out []Row
	for _, r := range listed {
		key := rowKey{r.Kind, r.ID}
		was, known := old[key]
		if !seen[key] && (!known || was.Gone || was.Word != r.Word) {
			r.ValidFrom = after(from, was)
			out = append(out, r)
		}
		seen[key] = true
	}
	for _, r := range stored {
		operators := r.Kind == Number || r.Kind == Workplace || r.Kind == Terminal
		if operators && !r.Gone && !seen[rowKey{r.Kind, r.ID}] {
			r.ValidFrom, r.Gone = after(from, r), true
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// after returns from; where a clock that is ahead has written the previous row with a later
// time, a millisecond after that.
func after(from time.Time, was Row) time.Time {
	if was.ValidFrom.Before(from) {
		return from
	}
	return was.ValidFrom.Add(time.Millisecond)
}
