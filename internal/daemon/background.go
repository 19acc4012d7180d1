package daemon

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"fonoteka/internal/audit"
	"fonoteka/internal/call"
	"fonoteka/internal/cdr"
	"fonoteka/internal/correlate"
	"fonoteka/internal/custody"
	"fonoteka/internal/directory"
	"fonoteka/internal/installation"
	"fonoteka/internal/settings"
	"fonoteka/internal/token"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/warehouse/directories"
	"fonoteka/internal/warehouse/trails"
)

// keeping is what keeps the tables beside the CDRs: the directory, the links
// between calls, the audit and the seals of the custody in it.
type keeping struct {
	trail     *audit.Trail
	audit     *audit.Shipper
	custody   *custody.Sealer
	directory []*directory.Keeper
	links     *correlate.Passer
}

func (p *pipeline) newKeeping(cfg *settings.Config, a *installation.Access, reg prometheus.Registerer) (err error) {
	k := &p.keeping
	if k.trail, err = installation.OpenAudit(cfg, p.log, reg); err != nil {
		return err
	}
	p.refusals = &refusals{trail: k.trail, log: p.log}
	k.audit, err = k.trail.NewShipper(audit.ShipperOptions{Table: trails.New(p.warehouse), Anchors: installation.NewAnchors(p.blob, p.ready.bucketReady), Ready: p.ready.tables})
	if err != nil {
		return err
	}
	k.custody, err = custody.NewSealer(custody.Options{Rows: catalogue.New(p.warehouse), Trail: k.trail, Memory: installation.Memory(cfg), Ready: p.ready.tables, Log: p.log, Registerer: reg})
	if err != nil {
		return err
	}
	if k.links, err = newPasser(cfg, p.warehouse, p.log, reg); err != nil {
		return err
	}
	for _, i := range cfg.Integrations {
		client, err := a.Client(i.Name)
		if err != nil {
			return err
		}
		d, err := directory.New(directory.Options{
			Integration: i.Name, Source: client, Store: directories.New(p.warehouse), AreaCode: cfg.Rules.AreaCode, Departments: i.Departments,
			NotYet: func(err error) bool { return errors.Is(err, token.ErrLogin) }, Log: p.log, Registerer: reg,
		})
		if err != nil {
			return err
		}
		k.directory = append(k.directory, d)
	}
	return nil
}

// keep runs it all until ctx ends.
func (p *pipeline) keep(ctx context.Context) error {
	var all errgroup.Group
	all.Go(func() error { return p.keeping.audit.Run(ctx) }) // anchors need no table
	all.Go(func() error { return p.keeping.custody.Run(ctx) })
	p.ready.awaitTables(ctx)
	all.Go(func() error { return p.keeping.links.Run(ctx) })
	for _, d := range p.keeping.directory {
		all.Go(func() error { return d.Run(ctx) })
	}
	return all.Wait()
}

func newPasser(cfg *settings.Config, db *warehouse.DB, log *slog.Logger, reg prometheus.Registerer) (*correlate.Passer, error) {
	return correlate.NewPasser(correlate.PasserOptions{
		Store: calls.New(db), SeatOf: directories.New(db).SeatOf, Log: log, Registerer: reg,
		Forwarders: func(ctx context.Context, calls []call.Record) ([][]string, error) {
			return forwarders(ctx, cfg, db, calls)
		},
	})
}

// forwardersOf is how many calls' notifications are in memory at a time.
const forwardersOf = 500

// forwarders reads who is named in the forwarder lists of calls. An event that
// cannot be read names nobody.
func forwarders(ctx context.Context, cfg *settings.Config, db *warehouse.DB, calls []call.Record) ([][]string, error) {
	out := make([][]string, 0, len(calls))
	for page := range slices.Chunk(calls, forwardersOf) {
		named, err := forwardersOfPage(ctx, cfg, db, page)
		if err != nil {
			return nil, err
		}
		out = append(out, named...)
	}
	return out, nil
}

// forwardersOfPage halves what is too much to be held. A single call that is names
// nobody.
func forwardersOfPage(ctx context.Context, cfg *settings.Config, db *warehouse.DB, page []call.Record) ([][]string, error) {
	keys := make([]call.GroupKey, len(page))
	for i, c := range page {
		keys[i] = call.GroupKey{Integration: c.Integration, GroupID: c.GroupID}
	}
	events, err := calls.New(db).EventsOf(ctx, keys)
	switch half := len(page) / 2; {
	case errors.Is(err, cdr.ErrTooMuch) && half == 0:
	case errors.Is(err, cdr.ErrTooMuch):
		first, err := forwardersOfPage(ctx, cfg, db, page[:half])
		if err != nil {
			return nil, err
		}
		second, err := forwardersOfPage(ctx, cfg, db, page[half:])
		return append(first, second...), err
	case err != nil:
		return nil, err
	}
	out := make([][]string, 0, len(page))
	for _, k := range keys {
		var named []string
		for _, stored := range events[k] {
			if e, err := cfg.Decode(k.Integration, stored.Body, stored.ReceivedAt); err == nil {
				named = append(append(named, e.Caller.Forwarders...), e.Callee.Forwarders...)
			}
		}
		out = append(out, named)
	}
	return out, nil
}
