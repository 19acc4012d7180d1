// Package directory keeps the company's directory in the warehouse, with its
// history: numbers, workplaces and terminals as the operator lists them, and
// departments, employees and names of numbers, which the operator does not
// know, as they are configured or imported.
//
// Contract. A Keeper fetches the operator's lists at start, after each arrival
// of numbersChanged or workplacesChanged, and daily. What differs from what is
// stored becomes a row that holds from then on; nothing is overwritten, so that
// who sat at a workplace in March can be asked in May. A change needs no
// rebuild: rows of calls hold accounts, and names are looked up by the range
// dictionaries of the warehouse for the moment of the call.
//
// What the operator's lists say first of something holds backwards, too: calls
// from before the first fetch bear the names of it. A department or employee
// holds from its day on, and without one, where nothing was said before, for all
// calls. What the operator lists no more is marked as gone, and keeps its last
// name.
//
// Equal notifications of one minute are one event in the warehouse, its earliest
// arrival. So the lists are fetched soon after it, and once more when that
// minute is over. The events are read from the warehouse instead of being handed
// over by the relay: it may run in another process, and a change that came
// during an outage is not missed.
//
// The directory plays no part in the derivation of calls, although an account
// that it knows would tell whose side is ours where a notification does not: a
// CDR would depend on when it was derived, and every change would ask for a
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
	// NotYet says of an error of Source that it is nobody's fault: no login yet.
	NotYet func(error) bool

	Every time.Duration // between fetches that nothing asked for; 0: 24 h
	Poll  time.Duration // how often the warehouse is asked for notifications; 0: 5 s

	Log        *slog.Logger
	Registerer prometheus.Registerer // several Keepers may share one
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
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Keeper keeps the directory of one integration.
type Keeper struct {
	o Options
	m metrics
}

// New checks the options and registers the metrics.
func New(o Options) (*Keeper, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("directory: register metrics: %w", err)
	}
	m.fetched.WithLabelValues(o.Integration).Add(0)
	m.failures.WithLabelValues(o.Integration).Add(0)
	return &Keeper{o: o, m: m}, nil
}

// Fetch reads the operator's lists and stores what differs; the changes hold
// from the given time on. It returns how many there were.
func (k *Keeper) Fetch(ctx context.Context, from time.Time) (changes int, err error) {
	listed, err := k.listed(ctx)
	if err != nil {
		return 0, err
	}
	stored, err := k.o.Store.Directory(ctx, k.o.Integration, from.AddDate(100, 0, 0))
	if err != nil {
		return 0, fmt.Errorf("read the directory: %w", err)
	}
	rows := differences(stored, listed, from)
	if err := k.o.Store.InsertDirectory(ctx, rows); err != nil {
		return 0, fmt.Errorf("store %d changes of the directory: %w", len(rows), err)
	}
	for _, r := range rows {
		k.m.changes.WithLabelValues(k.o.Integration, string(r.Kind)).Inc()
	}
	k.m.fetched.WithLabelValues(k.o.Integration).Set(float64(time.Now().Unix()))
	if err := k.o.Store.SetProgress(ctx, FetchedName(k.o.Integration), time.Now().UTC().Format(time.RFC3339)); err != nil {
		return 0, fmt.Errorf("note that the directory was fetched: %w", err)
	}
	return len(rows), nil
}

// FetchedName is under which name the warehouse keeps when an integration's
// directory was fetched last, in RFC 3339.
func FetchedName(integration string) string { return "directory/" + integration }

// listed is what the operator lists now.
func (k *Keeper) listed(ctx context.Context) ([]Row, error) {
	numbers, err := k.o.Source.ExternalNumbers(ctx)
	if err != nil {
		return nil, err
	}
	workplaces, err := k.o.Source.Workplaces(ctx)
	if err != nil {
		return nil, err
	}
	terminals, err := k.o.Source.Terminals(ctx)
	if err != nil {
		return nil, err
	}
	var rows []Row
	add := func(kind Kind, id, word, raw string) {
		rows = append(rows, Row{Kind: kind, Integration: k.o.Integration, ID: id, Word: word, Raw: raw})
	}
	for _, n := range numbers {
		add(Number, cmp.Or(call.ParseNumber(n.Number, k.o.AreaCode).Digits, n.Number), n.Type, n.Number)
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

// differences are the rows that make the stored directory the listed one. Of an
// id that is listed twice the first counts.
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

// after is from, or a moment after a row that a faster clock has written.
func after(from time.Time, was Row) time.Time {
	if was.ValidFrom.Before(from) {
		return from
	}
	return was.ValidFrom.Add(time.Millisecond)
}
