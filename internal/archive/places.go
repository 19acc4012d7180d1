package archive

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// placeIdle is how long a goroutine of a place waits for another job.
const placeIdle = 10 * time.Second

// places bounds how many jobs do something at once, and lends them goroutines
// that go from job to job: the way down to a socket takes a stack that grows four
// times, and hundreds of jobs that wait for the catalogue, each with a stack of
// its own so large, would be copied and looked through by every garbage collection.
type places struct {
	next chan func()

	mu            sync.Mutex
	free          int
	urgent, other turns
}

// turns are those who wait for a place, in their order.
type turns []chan struct{}

func newPlaces(n int) *places {
	return &places{free: n, next: make(chan func())}
}

// acquire waits for a place. What is urgent goes before all else that waits, as
// it does in the queue: hundreds of jobs may have come out of that. ctx's end is
// the only error.
func (p *places) acquire(ctx context.Context, urgent bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	p.mu.Lock()
	if p.free > 0 {
		p.free--
		p.mu.Unlock()
		return nil
	}
	waiting := &p.other
	if urgent {
		waiting = &p.urgent
	}
	turn := make(chan struct{})
	*waiting = append(*waiting, turn)
	p.mu.Unlock()
	select {
	case <-turn:
		if ctx.Err() == nil {
			return nil
		}
	case <-ctx.Done():
	}
	p.mu.Lock()
	i := slices.Index(*waiting, turn)
	if i >= 0 {
		*waiting = slices.Delete(*waiting, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 { // it came at the same moment
		p.release()
	}
	return context.Cause(ctx)
}

func (p *places) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, waiting := range []*turns{&p.urgent, &p.other} {
		if len(*waiting) > 0 {
			close((*waiting)[0])
			*waiting = (*waiting)[1:]
			return
		}
	}
	p.free++
}

// do runs f when there is a place, and returns when f has; f's panic is the
// caller's. ctx bounds the wait for the place, and its end is the only error. On
// no places at all f runs at once.
func (p *places) do(ctx context.Context, urgent bool, f func()) error {
	if p == nil {
		f()
		return nil
	}
	if err := p.acquire(ctx, urgent); err != nil {
		return err
	}
	defer p.release()
	var panicked any
	returned := false
	done := make(chan struct{})
	task := func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				panicked = fmt.Sprintf("%v\n%s", v, debug.Stack())
			}
		}()
		f()
		returned = true
	}
	select {
	case p.next <- task:
	default:
		go p.work(task)
	}
	<-done
	switch {
	case panicked != nil:
		panic(panicked)
	case !returned:
		runtime.Goexit() // as f did: it has no result
	}
	return nil
}

// work runs tasks until none has come for a while.
func (p *places) work(task func()) {
	idle := time.NewTimer(placeIdle)
	defer idle.Stop()
	for {
		task()
		idle.Reset(placeIdle)
		select {
		case task = <-p.next:
		case <-idle.C:
			return
		}
	}
}
