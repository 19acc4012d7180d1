package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// stages runs workers together and stops them in order: the first stage first,
// each wholly before the next begins to stop. So the listeners stop before the
// relays have done their last batch, and the stores after both.
type stages struct {
	log  *slog.Logger
	list []*stage
	dead chan error // the first worker that ended by itself
}

type stage struct {
	name    string
	workers []func(context.Context) error
}

func (s *stages) add(name string, workers ...func(context.Context) error) {
	s.list = append(s.list, &stage{name, workers})
}

// run starts everything, waits for ctx or for a worker that ends by itself, and
// stops everything. A worker must end when its context does.
func (s *stages) run(ctx context.Context) error {
	s.dead = make(chan error, 1)
	type running struct {
		cancel context.CancelFunc
		done   *sync.WaitGroup
	}
	var started []running
	for _, st := range s.list {
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		r := running{cancel, &sync.WaitGroup{}}
		for _, w := range st.workers {
			r.done.Go(func() { s.ended(own, st.name, w(own)) })
		}
		started = append(started, r)
	}
	var err error
	select {
	case <-ctx.Done():
		s.log.Info("stopping")
	case err = <-s.dead:
		s.log.Error("stopping, as a part of it ended", "err", err)
	}
	for i, r := range started {
		began := time.Now()
		r.cancel()
		r.done.Wait()
		s.log.Debug("stopped", "stage", s.list[i].name, "took", time.Since(began))
	}
	return err
}

func (s *stages) ended(own context.Context, name string, err error) {
	if own.Err() != nil { // it was told to
		if err != nil && !errors.Is(err, context.Canceled) {
			s.log.Error("stopped badly", "stage", name, "err", err)
		}
		return
	}
	if err == nil {
		err = errors.New("ended by itself")
	}
	select {
	case s.dead <- fmt.Errorf("%s: %w", name, err):
	default:
	}
}
