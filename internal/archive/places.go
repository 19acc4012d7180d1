package archive

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sync/semaphore"
)

// placeIdle is how long a goroutine of a place waits for another job.
const placeIdle = 10 * time.Second

// places bounds how many jobs do something at once, and lends them goroutines
// that go from job to job: the way down to a socket takes a stack that grows four
// times, and hundreds of jobs that wait for the catalogue, each with a stack of
// its own so large, would be copied and looked through by every garbage collection.
type places struct {
	free *semaphore.Weighted
	next chan func()
}

func newPlaces(n int) *places {
	return &places{semaphore.NewWeighted(int64(n)), make(chan func())}
}

// do runs f when there is a place, and returns when f has; f's panic is the
// caller's. ctx bounds the wait for the place, and its end is the only error. On
// no places at all f runs at once.
func (p *places) do(ctx context.Context, f func()) error {
	if p == nil {
		f()
		return nil
	}
	if err := p.free.Acquire(ctx, 1); err != nil {
		return context.Cause(ctx)
	}
	defer p.free.Release(1)
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
