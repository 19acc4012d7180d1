package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/urfave/cli/v2"

	"fonoteka/internal/call"
	"fonoteka/internal/embedded"
	"fonoteka/internal/mtt"
	"fonoteka/internal/relay"
	"fonoteka/internal/spool"
	"fonoteka/internal/state"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "receive notifications, write CDRs, archive recordings, until stopped",
		Description: `Notifications are answered 200 when they are on disk. Everything behind that may
be down for days: nothing is lost. Without URLs of stores of your own it runs
ClickHouse, S3 and Redis itself, under --data, on the loopback interface.

The public listener (--listen) is what the operator's redirect URI leads to: by
default through a proxy on this machine that does TLS, else through one that is
named (--trusted-proxies), or by itself, with a certificate (--tls-cert, --acme).
The private one has /metrics, /healthz (are notifications taken?) and /readyz
(does everything work?).

With --retention-mode and --retention each recording is locked in the store from
the moment it is stored. With governance, who has a special right in the store
can delete it before the date. With compliance nobody can: not the store's
administrator, not Fonoteka, whatever is configured later. The disk stays full
for as long, and a request to erase a person's data has to wait. Try the store
first (fonoteka doctor s3), with a short span.

A flag shows in the list of processes: what is secret, such as a URL with a
password or the redirect URI, belongs in the variable or in the file of --config.`,
		Flags: serveFlags(),
		Action: func(c *cli.Context) error {
			cfg, err := loadConfig(c, forServe)
			if err != nil {
				return err
			}
			return serve(c.Context, cfg, newLogger(cfg, c.App.ErrWriter))
		},
	}
}

func serveFlags() []cli.Flag {
	return append(append([]cli.Flag{
		text("private-listen", "127.0.0.1:8090", "private `ADDRESS` for metrics and health"),
		text("recordings-url", "", "`URL` of the private listener as browsers reach it, for links to recordings; default: http:// and --private-listen"),
		text("workers", "16", "`N` downloads at once"),
	}, slices.Concat(integrationFlags(), operatorFlags(), []cli.Flag{recordHostsFlag()}, ruleFlags(), publicFlags(), reportFlags(), downloadFlags(), fixityFlags())...), dataFlags()...)
}

// integrationFlags are what a receiver of notifications must know.
func integrationFlags() []cli.Flag {
	return []cli.Flag{
		mttText("redirect-uri", "REDIRECT_URI", "", "`URI` entered in the operator's cabinet; its path is a secret: https://calls.example.org/mtt/LONG-RANDOM-WORD"),
		mttText("previous-redirect-uri", "PREVIOUS_REDIRECT_URI", "", "`URI` that is being replaced, served as well until the day of --previous-until"),
		mttText("previous-until", "PREVIOUS_UNTIL", "", "`DAY` from which it is not: 2026-03-31"),
		mttText("timezone", "TIMEZONE", "UTC", "`ZONE` of the notifications' times"),
		mttText("link-days", "LINK_DAYS", "90", "`DAYS` the operator keeps a recording"),
	}
}

func recordHostsFlag() cli.Flag {
	return mttText("record-hosts", "RECORD_HOSTS", "mtt.ru", "`HOSTS` recordings may be fetched from: names (https on port 443, with all under them), also as NAME:PORT or http://NAME, and literal addresses with a port, comma between")
}

func (cfg *config) integration(name string) integration {
	for _, i := range cfg.integrations {
		if i.name == name {
			return i
		}
	}
	return integration{name: name, zone: time.UTC, linkLife: 90 * 24 * time.Hour} // one that was configured once
}

func (cfg *config) names() (all []string) {
	for _, i := range cfg.integrations {
		all = append(all, i.name)
	}
	return all
}

func (cfg *config) linkLife(name string) time.Duration { return cfg.integration(name).linkLife }

func (cfg *config) decode(name string, body []byte, received time.Time) (call.Event, error) {
	return mtt.Decode(body, mtt.Context{Integration: name, ReceivedAt: received, Zone: cfg.integration(name).zone})
}

func (cfg *config) decoder() relay.Decoder {
	return func(body []byte, rec spool.Record) (call.Event, error) {
		return cfg.decode(rec.Integration, body, rec.ReceivedAt)
	}
}

// memoryGoal is what the runtime collects garbage harder for; GOMEMLIMIT overrides
// it. Live data is some 60 MiB of it in a drain. The program's own pages, 45 MiB,
// come on top.
const memoryGoal = 96 << 20

// serve runs until ctx ends. What it takes in is safe from the first line on;
// everything behind the spool may come up later, or go away and come back.
func serve(ctx context.Context, cfg *config, log *slog.Logger) (err error) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
	st, err := hold(ctx, cfg.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := st.SavePorts(cfg.statePorts()); err != nil {
		return err
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	sp, err := spool.Open(spool.Options{
		Dir: filepath.Join(cfg.data, "spool"), PutAside: true, Cursors: []string{warehouseCursor, recordingsCursor}, Log: log, Registerer: reg,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sp.Close()) }()
	files := &storeLocks{dir: cfg.data, log: log}
	defer func() { err = errors.Join(err, files.close()) }()
	stack, err := cfg.stack(st.Values(), nil, embedded.StackOptions{Log: log, Registerer: reg, Take: files.take})
	if err != nil {
		return err
	}
	acc, err := cfg.newAccess(log, reg)
	if err != nil {
		return err
	}
	p, err := newPipeline(cfg, st.Values(), stack, acc, sp, log, reg)
	if err != nil {
		return err
	}
	public, err := newPublic(cfg, sp, acc.oauth(log), log, reg)
	if err != nil {
		return err
	}
	recordings, err := p.newPlayback(st.Values().RecordingsPassword, reg)
	if err != nil {
		return err
	}
	alive := check{"notifications", func(context.Context) error { return takesNotifications(sp) }}
	privately := privateServer(private(reg, alive, p.checks(), st.Values().AdminToken, func(ctx context.Context) { p.refusals.refused(ctx, "admin.request") }, replayHandler(rewind(sp), p.replayRejected, p.resend), p.rebuildHandler, probeHandler(public.door), recordings), log)
	listeners, err := listen(cfg, st, log)
	if err != nil {
		return err
	}
	all := stages{log: log}
	all.add("public listener", serveHTTP(public.server, public.listener(listeners[0])))
	all.add("queue", p.archiveJobs)
	all.add("relays", p.relayRows, p.toQueue.Run, p.salvager.Run)
	all.add("check of what is stored", p.checkStored)
	all.add("comparison of locks", p.compareLocks)
	all.add("check of what seems altered", p.checkSuspects)
	all.add("deriver and planner", p.derive, p.rollUp, p.plan, p.markCopies, p.judgeShort, p.count, p.compare, func(ctx context.Context) error { return p.sayReady(ctx, log) })
	all.add("address of recordings", func(ctx context.Context) error { return p.tellAddress(ctx, cfg.recordingsAddress(listeners[1].Addr())) })
	all.add("directory, links and audit", p.keep)
	all.add("catalogue", p.catalogue.Run)
	all.add("tokens", acc.run)
	all.add("spool upkeep", sp.Run)
	all.add("certificate", public.certificate)
	all.add("private listener", serveHTTP(privately, listeners[1]))
	// The engine breaks off what runs when it ends, so connections to it are closed first.
	all.add("connections", func(ctx context.Context) error { <-ctx.Done(); return p.close() })
	all.add("embedded stores", stack.Run)
	return all.run(ctx)
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

// listen binds both listeners and tells commands where they are.
func listen(cfg *config, st *state.State, log *slog.Logger) ([2]net.Listener, error) {
	var both [2]net.Listener
	for i, addr := range []string{cfg.public.listen, cfg.privateListen} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			if both[0] != nil {
				both[0].Close()
			}
			return both, fmt.Errorf("listen on %s: %w", addr, err)
		}
		both[i] = l
	}
	if err := cfg.public.sourceKnownAt(both[0].Addr()); err != nil {
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

func newLogger(cfg *config, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.logLevel}
	if cfg.logJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
