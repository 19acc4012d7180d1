package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"fonoteka/internal/audit"
	"fonoteka/internal/call"
	"fonoteka/internal/custody"
	"fonoteka/internal/directory"
	"fonoteka/internal/links"
	"fonoteka/internal/state"
	"fonoteka/internal/token"
	"fonoteka/internal/warehouse"
)

// keeping is what keeps the tables beside the CDRs: the directory, the links
// between calls, the audit and the seals of the custody in it.
type keeping struct {
	trail     *audit.Trail
	audit     *audit.Shipper
	custody   *custody.Sealer
	directory []*directory.Keeper
	links     *links.Passer
}

func (cfg *config) auditDir() string { return filepath.Join(cfg.data, "audit") }

// openAudit opens the audit of the installation; log and reg may be nil.
func (cfg *config) openAudit(log *slog.Logger, reg prometheus.Registerer) (*audit.Trail, error) {
	v, err := state.Read(cfg.data)
	if err != nil && !errors.Is(err, state.ErrNone) {
		return nil, err
	}
	return audit.Open(audit.Options{
		Dir: cfg.auditDir(), Memory: cfg.memory(), Installation: v.Installation, Log: log, Registerer: reg,
	})
}

func (p *pipeline) newKeeping(cfg *config, a *access, reg prometheus.Registerer) (err error) {
	k := &p.keeping
	if k.trail, err = cfg.openAudit(p.log, reg); err != nil {
		return err
	}
	p.refusals = &refusals{trail: k.trail, log: p.log}
	k.audit, err = k.trail.NewShipper(audit.ShipperOptions{Table: p.warehouse, Anchors: anchors{p.blob, p.bucketReady}, Ready: p.tables})
	if err != nil {
		return err
	}
	k.custody, err = custody.NewSealer(custody.Options{Rows: p.warehouse, Trail: k.trail, Memory: cfg.memory(), Ready: p.tables, Log: p.log, Registerer: reg})
	if err != nil {
		return err
	}
	if k.links, err = newPasser(cfg, p.warehouse, p.log, reg); err != nil {
		return err
	}
	for _, i := range cfg.integrations {
		client, err := a.client(i.name)
		if err != nil {
			return err
		}
		d, err := directory.New(directory.Options{
			Integration: i.name, Source: client, Store: p.warehouse, AreaCode: cfg.rules.AreaCode, Departments: i.departments,
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
	p.awaitTables(ctx)
	all.Go(func() error { return p.keeping.links.Run(ctx) })
	for _, d := range p.keeping.directory {
		all.Go(func() error { return d.Run(ctx) })
	}
	return all.Wait()
}

func newPasser(cfg *config, db *warehouse.DB, log *slog.Logger, reg prometheus.Registerer) (*links.Passer, error) {
	return links.NewPasser(links.PasserOptions{
		Store: db, Log: log, Registerer: reg,
		Forwarders: func(ctx context.Context, calls []call.Record) ([][]string, error) {
			return cfg.forwarders(ctx, db, calls)
		},
	})
}

// forwardersOf is how many calls' notifications are in memory at a time.
const forwardersOf = 500

// forwarders reads who is named in the forwarder lists of calls. An event that
// cannot be read names nobody.
func (cfg *config) forwarders(ctx context.Context, db *warehouse.DB, calls []call.Record) ([][]string, error) {
	out := make([][]string, 0, len(calls))
	for page := range slices.Chunk(calls, forwardersOf) {
		named, err := cfg.forwardersOfPage(ctx, db, page)
		if err != nil {
			return nil, err
		}
		out = append(out, named...)
	}
	return out, nil
}

// forwardersOfPage halves what is too much to be held. A single call that is names
// nobody.
func (cfg *config) forwardersOfPage(ctx context.Context, db *warehouse.DB, page []call.Record) ([][]string, error) {
	keys := make([]warehouse.CallKey, len(page))
	for i, c := range page {
		keys[i] = warehouse.CallKey{Integration: c.Integration, GroupID: c.GroupID}
	}
	events, err := db.EventsOf(ctx, keys)
	switch half := len(page) / 2; {
	case errors.Is(err, warehouse.ErrTooMuch) && half == 0:
	case errors.Is(err, warehouse.ErrTooMuch):
		first, err := cfg.forwardersOfPage(ctx, db, page[:half])
		if err != nil {
			return nil, err
		}
		second, err := cfg.forwardersOfPage(ctx, db, page[half:])
		return append(first, second...), err
	case err != nil:
		return nil, err
	}
	out := make([][]string, 0, len(page))
	for _, k := range keys {
		var named []string
		for _, stored := range events[k] {
			if e, err := cfg.decode(k.Integration, stored.Body, stored.ReceivedAt); err == nil {
				named = append(append(named, e.Caller.Forwarders...), e.Callee.Forwarders...)
			}
		}
		out = append(out, named)
	}
	return out, nil
}

// parseDepartments turns departments with their workplaces, of the file as a
// whole and of one integration, into workplaces with their department.
func parseDepartments(integration string, p *problems, lists ...map[string][]string) map[string]string {
	out := map[string]string{}
	for _, list := range lists {
		within := map[string]string{}
		for department, workplaces := range list {
			for _, w := range workplaces {
				if other, twice := within[w]; twice && other != department {
					p.add("departments of integration %q: workplace %s is in %q and in %q", integration, w, min(other, department), max(other, department))
				}
				within[w], out[w] = department, department
			}
		}
	}
	return out
}
