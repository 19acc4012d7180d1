package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"fonoteka/internal/embedded"
	"fonoteka/internal/state"
)

// reach returns the secrets and ports of the installation, its embedded stores
// being up until stop is called: those of the running process, or of another
// command, or its own. serve takes a store over when the command is done, and
// waits for nothing else.
func (cfg *config) reach(ctx context.Context, wanted []embedded.Store) (v state.Values, stop func() error, err error) {
	stop = func() error { return nil }
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(s embedded.Store) bool { return cfg.brought(s) })
	v, err = state.Read(cfg.data)
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
		r, err := cfg.take(ctx, s, v)
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
	v.Ports = cfg.statePorts().Or(v.Ports)
	up, err := cfg.startOwn(ctx, v, own)
	if err != nil {
		return v, stop, errors.Join(err, release())
	}
	return v, func() error { return errors.Join(up(), release()) }, nil
}

// brought says whether a URL names a store, so that none is embedded.
func (cfg *config) brought(s embedded.Store) bool {
	return map[embedded.Store]string{
		embedded.StoreClickHouse: cfg.clickhouseURL, embedded.StoreS3: cfg.s3URL, embedded.StoreRedis: cfg.redisURL,
	}[s] != ""
}

// othersStart is how long another process's store may take to be up; the first
// start of all fetches the engine.
const othersStart = 30 * time.Second

// take makes a store's files this process's and returns what gives them back;
// nil where another process has them and its store is up. While serve runs
// nothing is taken, so that nobody gets in before it.
func (cfg *config) take(ctx context.Context, s embedded.Store, v state.Values) (release func() error, err error) {
	addr := local(map[embedded.Store]int{embedded.StoreClickHouse: v.Ports.ClickHouseNative, embedded.StoreS3: v.Ports.S3}[s])
	for began := time.Now(); ctx.Err() == nil; pause(ctx, 100*time.Millisecond) {
		running, err := state.Running(cfg.data)
		if err != nil {
			return nil, err
		}
		if !running {
			if release, err = state.TakeStore(cfg.data, string(s)); !errors.Is(err, state.ErrLocked) {
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
func (cfg *config) startOwn(ctx context.Context, v state.Values, own []embedded.Store) (stop func() error, err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	stack, err := cfg.stack(v, own, embedded.StackOptions{Log: log})
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- stack.Run(running) }()
	stop = func() error { cancel(); return <-done }
	for _, s := range own {
		select {
		case <-stack.Ready(s):
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), stop())
		case <-time.After(2 * time.Minute):
			return nil, errors.Join(fmt.Errorf("the embedded %s does not start", s), stop())
		}
	}
	return stop, nil
}

// storeLocks are the embedded stores that serve has taken.
type storeLocks struct {
	dir string
	log *slog.Logger

	mu       sync.Mutex
	releases map[embedded.Store]func() error
}

// take waits until a command that uses the store has ended.
func (l *storeLocks) take(ctx context.Context, s embedded.Store) error {
	for n := 0; ; n++ {
		err := l.try(s)
		if err == nil || !errors.Is(err, state.ErrLocked) {
			return err
		}
		if n%600 == 0 { // each minute
			l.log.Warn("an embedded store waits for the command that uses its files", "store", s)
		}
		pause(ctx, 100*time.Millisecond)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (l *storeLocks) try(s embedded.Store) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.releases[s] != nil {
		return nil
	}
	release, err := state.TakeStore(l.dir, string(s))
	if err == nil {
		if l.releases == nil {
			l.releases = map[embedded.Store]func() error{}
		}
		l.releases[s] = release
	}
	return err
}

func (l *storeLocks) close() (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, release := range l.releases {
		err = errors.Join(err, release())
	}
	return err
}

// handover is how long serve waits for the former one to end, or for a command
// that moves the spool's cursors.
const handover = 10 * time.Second

// hold takes the installation for serve.
func hold(ctx context.Context, dir string) (*state.State, error) {
	for began := time.Now(); ; pause(ctx, 50*time.Millisecond) {
		st, err := state.Open(dir)
		if !errors.Is(err, state.ErrLocked) || ctx.Err() != nil || time.Since(began) > handover {
			return st, err
		}
	}
}
