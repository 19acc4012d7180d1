// Package installation is a data folder with what belongs to it: its locks, its stores –
// embedded, or of one's own by URL – its audit, and how it deals with the operator.
//
// The stores are those of the running serve where there is one, else of another command,
// else they are started for as long as a command needs them (Reach, Use). serve takes a
// store over when the command is done, and waits for nothing else (Hold, StoreLocks): what
// the operator announces comes once only.
package installation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"time"

	"fonoteka/internal/embedded"
	"fonoteka/internal/run"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
)

// Reach returns the secrets and ports of the installation, its embedded stores
// being up until stop is called: those of the running process, or of another
// command, or its own. serve takes a store over when the command is done, and
// waits for nothing else.
func Reach(ctx context.Context, cfg *settings.Config, wanted []embedded.Store) (v state.Values, stop func() error, err error) {
	stop = func() error { return nil }
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(s embedded.Store) bool { return Brought(cfg, s) })
	v, err = state.Read(cfg.Data)
	if len(wanted) == 0 && errors.Is(err, state.ErrNone) {
		return v, stop, nil // nothing here is needed
	}
	if err != nil {
		return v, stop, fmt.Errorf("%w (--data)", err)
	}
	var own []embedded.Store
	var releases []func() error
	release := func() (err error) {
		for _, r := range releases {
			err = errors.Join(err, r())
		}
		return err
	}
	for _, s := range wanted {
		r, err := takeStore(ctx, cfg, s, v)
		if err != nil {
			return v, stop, errors.Join(err, release())
		}
		if r != nil {
			own, releases = append(own, s), append(releases, r)
		}
	}
	if len(own) == 0 {
		return v, stop, nil
	}
	v.Ports = StatePorts(cfg).Or(v.Ports)
	up, err := startOwn(ctx, cfg, v, own)
	if err != nil {
		return v, stop, errors.Join(err, release())
	}
	return v, func() error { return errors.Join(up(), release()) }, nil
}

// Brought says whether a URL names a store, so that none is embedded.
func Brought(cfg *settings.Config, s embedded.Store) bool {
	return map[embedded.Store]string{
		embedded.StoreClickHouse: cfg.ClickHouseURL, embedded.StoreS3: cfg.S3URL, embedded.StoreRedis: cfg.RedisURL,
	}[s] != ""
}

// othersStart is how long another process's store may take to be up; the first
// start of all fetches the engine.
const othersStart = 30 * time.Second

// take makes a store's files this process's and returns what gives them back;
// nil where another process has them and its store is up. While serve runs
// nothing is taken, so that nobody gets in before it.
func takeStore(ctx context.Context, cfg *settings.Config, s embedded.Store, v state.Values) (release func() error, err error) {
	addr := Local(map[embedded.Store]int{embedded.StoreClickHouse: v.Ports.ClickHouseNative, embedded.StoreS3: v.Ports.S3}[s])
	for began := time.Now(); ctx.Err() == nil; run.Sleep(ctx, 100*time.Millisecond) {
		running, err := state.Running(cfg.Data)
		if err != nil {
			return nil, err
		}
		if !running {
			if release, err = state.TakeStore(cfg.Data, string(s)); !errors.Is(err, state.ErrLocked) {
				return release, err
			}
		}
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return nil, conn.Close()
		}
		if time.Since(began) > othersStart {
			return nil, fmt.Errorf("fonoteka runs on this data folder, but its %s is not up: %w", s, err)
		}
	}
	return nil, ctx.Err()
}

// startOwn starts stores whose files are this process's.
func startOwn(ctx context.Context, cfg *settings.Config, v state.Values, own []embedded.Store) (stop func() error, err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if slices.Contains(own, embedded.StoreClickHouse) { // before the time for a start runs: it may have to be fetched
		if _, err := embedded.FetchEngine(ctx, cfg.EngineCache, os.Stderr); err != nil {
			return nil, err
		}
	}
	stack, err := Stack(cfg, v, own, embedded.StackOptions{Log: log})
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- stack.Run(running) }()
	stop = func() error { cancel(); return <-done }
	for _, s := range own {
		if err := awaitStart(ctx, stack, s); err != nil {
			return nil, errors.Join(err, stop())
		}
	}
	return stop, nil
}

// How long a command tries to start a store. serve tries on; a command says why not.
const (
	startsTried = 5
	startTime   = 2 * time.Minute
)

// awaitStart returns when a store is up, or will not be.
func awaitStart(ctx context.Context, stack *embedded.Stack, s embedded.Store) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("it took longer than %v", startTime))
	defer cancel()
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for {
		select {
		case <-stack.Ready(s):
			return nil
		case <-ctx.Done():
			_, last := stack.Failures(s)
			return fmt.Errorf("the embedded %s does not start: %w", s, errors.Join(context.Cause(ctx), last))
		case <-every.C:
		}
		if n, last := stack.Failures(s); n >= startsTried {
			return fmt.Errorf("the embedded %s does not start: %w", s, last)
		}
	}
}
