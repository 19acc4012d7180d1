// Package daemon is the running process: what fonoteka serve does until it is stopped.
//
// The public listener takes notifications into the spool; everything behind the spool –
// the pipeline – may come up later, or go away and come back, since nothing that was
// taken is lost. The private listener has metrics, health, recordings to listen to and
// what commands ask (internal/admin).
//
// All of it runs in stages, which stop in order, each wholly before the next begins to:
// first what takes in, last the stores. What a command does where no process runs, as it
// would be done here, is here as well (RewindAlone, ResendAlone, RebuildAlone, ReplayRejectedAlone).
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"fonoteka/internal/edge"
	"fonoteka/internal/embedded"
	"fonoteka/internal/installation"
	"fonoteka/internal/relay"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
	"fonoteka/internal/state"
)

// memoryGoal is what the runtime collects garbage harder for; GOMEMLIMIT overrides
// it. Live data is some 60 MiB of it in a drain. The program's own pages, 45 MiB,
// come on top.
const memoryGoal = 96 << 20

// Run runs until ctx ends. What it takes in is safe from the first line on;
// everything behind the spool may come up later, or go away and come back.
func Run(ctx context.Context, cfg *settings.Config, log *slog.Logger) (err error) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
	st, err := installation.Hold(ctx, cfg.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := st.SavePorts(installation.StatePorts(cfg)); err != nil {
		return err
	}
	sayZones(cfg, log)
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	sp, err := spool.Open(spool.Options{
		Dir: filepath.Join(cfg.Data, "spool"), PutAside: true, Cursors: []string{relay.WarehouseCursor, relay.RecordingsCursor}, Log: log, Registerer: reg,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sp.Close()) }()
	files := &installation.StoreLocks{Dir: cfg.Data, Log: log}
	defer func() { err = errors.Join(err, files.Close()) }()
	stack, err := installation.Stack(cfg, st.Values(), nil, embedded.StackOptions{Log: log, Registerer: reg, Take: files.Take})
	if err != nil {
		return err
	}
	acc, err := installation.NewAccess(cfg, log, reg)
	if err != nil {
		return err
	}
	p, err := newPipeline(cfg, st.Values(), stack, acc, sp, log, reg)
	if err != nil {
		return err
	}
	public, err := newPublic(cfg, sp, acc.OAuth(log), log, reg)
	if err != nil {
		return err
	}
	recordings, err := p.newPlayback(st.Values().RecordingsPassword, reg)
	if err != nil {
		return err
	}
	d := &daemon{log: log, spool: sp, stack: stack, access: acc, pipeline: p, public: public, proxies: cfg.Public.Proxies}
	alive := check{"notifications", func(context.Context) error { return takesNotifications(sp) }}
	behind := private(reg, alive, p.checks(), st.Values().AdminToken, p.refusals.judge("admin.request"), replayHandler(rewind(sp), p.replayRejected, p.resend), p.rebuildHandler, probeHandler(public.door), recordings)
	d.private = privateServer(newHosts(cfg, log, reg).only(behind), log)
	if d.listeners, err = listen(cfg, st, log); err != nil {
		return err
	}
	d.recordings = recordingsAddress(cfg, d.listeners[1].Addr())
	return d.stages().run(ctx)
}

// daemon is all that serve runs.
type daemon struct {
	log        *slog.Logger
	spool      *spool.Spool
	stack      *embedded.Stack
	access     *installation.Access
	pipeline   *pipeline
	public     *public
	private    *http.Server
	listeners  [2]net.Listener // the public one, the private one
	recordings string          // where they are listened to
	proxies    edge.Networks   // who may connect to the private listener, beside this machine
}

// stages are the parts in the order in which they stop: first what takes
// notifications, then what works on them, then what it works with. The private
// listener is among the last, so that a stop that takes long can be watched.
func (d *daemon) stages() *stages {
	p := d.pipeline
	all := &stages{log: d.log}
	all.add("public listener", serveHTTP(d.public.server, d.public.listener(d.listeners[0])))
	all.add("queue", p.archiveJobs)
	all.add("relays", p.relayRows, p.toQueue.Run, p.salvager.Run)
	all.add("check of what is stored", p.scrub.checkStored)
	all.add("comparison of locks", p.scrub.compareLocks)
	all.add("check of what seems altered", p.scrub.checkSuspects)
	all.add("deriver and planner", p.derive, p.rollUp, p.plan, p.upkeep.markCopies, p.upkeep.judgeShort, p.count, p.compare, func(ctx context.Context) error { return p.sayReady(ctx, d.log) })
	all.add("address of recordings", func(ctx context.Context) error { return p.tellAddress(ctx, d.recordings) })
	all.add("directory, links and audit", p.keep)
	all.add("catalogue", p.catalogue.Run)
	all.add("tokens", d.access.Run)
	all.add("spool upkeep", d.spool.Run)
	all.add("certificate", d.public.certificate)
	all.add("private listener", serveHTTP(d.private, &onlyFrom{Listener: d.listeners[1], networks: d.proxies, log: d.log}))
	all.add("refused passwords", p.refusals.run)
	// The engine breaks off what runs when it ends, so connections to it are closed first.
	all.add("connections", func(ctx context.Context) error { <-ctx.Done(); return p.close() })
	all.add("embedded stores", d.stack.Run)
	return all
}

func takesNotifications(sp *spool.Spool) error {
	if err := sp.Err(); err != nil {
		return err
	}
	s, err := sp.Stats()
	if err == nil && s.Full {
		err = spool.ErrFull
	}
	return err
}

// sayZones tells the log in which zone times are read: with a wrong one all of them are
// wrong, and nothing else shows it before the first calls.
func sayZones(cfg *settings.Config, log *slog.Logger) {
	for _, i := range cfg.Integrations {
		if i.ZoneUnsaid {
			log.Warn("no time zone is set: times in notifications are read as UTC (set FONOTEKA_TIMEZONE to the zone that the operator writes them in)", "integration", i.Name)
			continue
		}
		log.Info("times in notifications are read in this zone", "integration", i.Name, "zone", i.Zone)
	}
}

// listen binds both listeners and tells commands where they are.
func listen(cfg *settings.Config, st *state.State, log *slog.Logger) ([2]net.Listener, error) {
	var both [2]net.Listener
	for i, addr := range []string{cfg.Public.Listen, cfg.PrivateListen} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			if both[0] != nil {
				both[0].Close()
			}
			return both, fmt.Errorf("listen on %s: %w", addr, err)
		}
		both[i] = l
	}
	if err := errors.Join(cfg.Public.SourceKnownAt(both[0].Addr()), cfg.Public.PrivateKnownAt(both[1].Addr())); err != nil {
		return both, errors.Join(err, both[0].Close(), both[1].Close())
	}
	r := state.Runtime{PID: os.Getpid(), PublicListen: both[0].Addr().String(), PrivateListen: both[1].Addr().String()}
	log.Info("listening", "public", r.PublicListen, "private", r.PrivateListen)
	return both, st.Announce(r)
}

// serveHTTP serves until ctx ends, then answers what is under way.
func serveHTTP(s *http.Server, l net.Listener) func(context.Context) error {
	return func(ctx context.Context) error {
		failed := make(chan error, 1)
		go func() { failed <- s.Serve(l) }()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
		}
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err := s.Shutdown(grace)
		if err != nil {
			err = errors.Join(err, s.Close())
		}
		<-failed //nolint:errcheck // http.ErrServerClosed
		return err
	}
}
