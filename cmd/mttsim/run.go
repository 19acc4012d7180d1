package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"fonoteka/internal/sim"
)

// run serves, posts, lingers and prints the ledger, whatever happened before.
// A signal is not an error.
func run(ctx context.Context, conf config, out, progress io.Writer) error {
	ln, err := net.Listen("tcp", conf.listen)
	if err != nil {
		return fmt.Errorf("serve recordings: %w", err)
	}
	defer ln.Close()
	conf.sim.RecordBase = conf.base
	if conf.base == "" {
		conf.sim.RecordBase = "http://" + ln.Addr().String()
	}
	conf.sim.Logger = slog.New(slog.NewTextHandler(progress, nil))
	live := conf.sim.Rate
	if conf.demo {
		conf.sim.Calls, conf.sim.Rate = conf.history, 0
	}
	s, err := sim.New(conf.sim)
	if err != nil {
		return err
	}
	conf.platform.Sim = s
	platform, err := sim.NewPlatform(conf.platform)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "seed %d; recordings, OAuth and API at %s\n", conf.sim.Seed, conf.sim.RecordBase)
	stop := serve(ln, platform)
	defer stop()

	if conf.probe {
		if err := probe(ctx, platform, progress); err != nil {
			return err
		}
	}
	posted := report(ctx, s, progress, func(ctx context.Context) error {
		err := s.Post(ctx, nil, conf.redirect)
		if err != nil || !conf.demo {
			return err
		}
		fmt.Fprintln(progress, "history posted, now live")
		s.Live(ctx, nil, conf.redirect, live)
		return nil
	})
	if !conf.demo {
		linger(ctx, conf, s)
	}
	if ctx.Err() != nil {
		posted = nil
	}
	platform.Close() // what it plays goes to the ledger
	return errors.Join(posted, writeLedger(s.Ledger(), conf.ledger, out))
}

// serve answers as the operator's servers until the returned func is called.
func serve(ln net.Listener, p *sim.Platform) (stop func()) {
	srv := &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(ln)
	}()
	return func() {
		p.Close()
		_ = srv.Close()
		<-done
	}
}

// probe prints what the listener answers to the operator's check.
func probe(ctx context.Context, p *sim.Platform, w io.Writer) error {
	var refused error
	for _, r := range p.Probe(ctx) {
		fmt.Fprintf(w, "probe: %s: %d\n", r.Request, r.Status)
		if !r.OK {
			refused = errors.New("the listener does not answer the operator's check with 2xx")
		}
	}
	return refused
}

// report runs work and says every 5 seconds how far it is.
func report(ctx context.Context, s *sim.Sim, w io.Writer, work func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			printStats(w, s.Stats())
			return err
		case <-tick.C:
			printStats(w, s.Stats())
		}
	}
}

func printStats(w io.Writer, st sim.Stats) {
	fmt.Fprintf(w, "notifications: %d acknowledged, %d given up, %d attempts; recordings: %d announced, %d fetched, %d faults\n",
		st.Acked, st.Lost, st.Attempts, st.Announced, st.Fetched, st.Faults)
}

// linger keeps the recordings up for those who have yet to fetch them.
func linger(ctx context.Context, conf config, s *sim.Sim) {
	switch {
	case conf.serve:
		<-ctx.Done()
		return
	case conf.serveFor > 0:
		wait(ctx, conf.serveFor)
		return
	}
	limit, cancel := context.WithTimeout(ctx, conf.linger)
	defer cancel()
	for limit.Err() == nil {
		if st := s.Stats(); st.Fetched >= st.Announced {
			wait(limit, min(5*time.Second, conf.linger))
			return
		}
		wait(limit, 200*time.Millisecond)
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func writeLedger(l sim.Ledger, file string, out io.Writer) error {
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the ledger: %w", err)
	}
	b = append(b, '\n')
	var toFile error
	if file != "" {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			toFile = fmt.Errorf("write the ledger: %w", err)
		}
	}
	if _, err := out.Write(b); err != nil {
		return errors.Join(toFile, fmt.Errorf("print the ledger: %w", err))
	}
	return toFile
}
