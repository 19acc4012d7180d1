package installation

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"fonoteka/internal/embedded"
	"fonoteka/internal/run"
	"fonoteka/internal/state"
)

// StoreLocks are the embedded stores that serve has taken.
type StoreLocks struct {
	Dir string
	Log *slog.Logger

	mu       sync.Mutex
	releases map[embedded.Store]func() error
}

// Take waits until a command that uses the store has ended.
func (l *StoreLocks) Take(ctx context.Context, s embedded.Store) error {
	for n := 0; ; n++ {
		err := l.try(s)
		if err == nil || !errors.Is(err, state.ErrLocked) {
			return err
		}
		if n%600 == 0 { // each minute
			l.Log.Warn("an embedded store waits for the command that uses its files", "store", s)
		}
		run.Sleep(ctx, 100*time.Millisecond)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (l *StoreLocks) try(s embedded.Store) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.releases[s] != nil {
		return nil
	}
	release, err := state.TakeStore(l.Dir, string(s))
	if err == nil {
		if l.releases == nil {
			l.releases = map[embedded.Store]func() error{}
		}
		l.releases[s] = release
	}
	return err
}

func (l *StoreLocks) Close() (err error) {
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

// Hold takes the installation for serve.
func Hold(ctx context.Context, dir string) (*state.State, error) {
	for began := time.Now(); ; run.Sleep(ctx, 50*time.Millisecond) {
		st, err := state.Open(dir)
		if !errors.Is(err, state.ErrLocked) || ctx.Err() != nil || time.Since(began) > handover {
			return st, err
		}
	}
}

// deriverLock keeps serve from deriving calls while a command does.
const deriverLock = "deriver"

// TakeDeriver lets nobody else derive calls on a data folder until release is called.
func TakeDeriver(dir string) (release func() error, err error) {
	return state.TakeStore(dir, deriverLock)
}

// AwaitDeriver is takeDeriver, and waits until no command derives calls.
func AwaitDeriver(ctx context.Context, dir string, log *slog.Logger) (release func() error, err error) {
	for n := 0; ; n++ {
		release, err = TakeDeriver(dir)
		if !errors.Is(err, state.ErrLocked) || ctx.Err() != nil {
			return release, err
		}
		if n%600 == 0 { // each minute
			log.Warn("calls are derived when the command that rebuilds them has ended")
		}
		run.Sleep(ctx, 100*time.Millisecond)
	}
}
