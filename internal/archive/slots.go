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

// slotIdle is how long a pooled goroutine waits for another job.
const slotIdle = 10 * time.Second

// slots is a semaphore with two priorities that runs jobs on pooled goroutines. The
// priority keeps what is urgent from waiting behind hundreds of jobs that have left the
// queue already. The pool is there for the stacks: the way down to a socket takes one
// that grows four times, and every garbage collection would copy and scan those of
// hundreds of jobs that only wait for the catalogue. golang.org/x/sync/semaphore has
// neither.
type slots struct {
	next chan func()

	mu             sync.Mutex
	free           int
	urgent, normal waiters
}

// waiters wait for a slot, in their order.
type waiters []chan struct{}

func newSlots(n int) *slots {
	return &slots{free: n, next: make(chan func())}
}

// acquire waits for a slot. What is urgent goes before all else that waits. ctx's end
// is the only error.
func (s *slots) acquire(ctx context.Context, urgent bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return nil
	}
	waiting := &s.normal
	if urgent {
		waiting = &s.urgent
	}
	ready := make(chan struct{})
	*waiting = append(*waiting, ready)
	s.mu.Unlock()
	select {
	case <-ready:
		if ctx.Err() == nil {
			return nil
		}
	case <-ctx.Done():
	}
	s.mu.Lock()
	i := slices.Index(*waiting, ready)
	if i >= 0 {
		*waiting = slices.Delete(*waiting, i, i+1)
	}
	s.mu.Unlock()
	if i < 0 { // it came at the same moment
		s.release()
	}
	return context.Cause(ctx)
}

func (s *slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, waiting := range []*waiters{&s.urgent, &s.normal} {
		if len(*waiting) > 0 {
			close((*waiting)[0])
			*waiting = (*waiting)[1:]
			return
		}
	}
	s.free++
}

// do runs f when there is a slot, and returns when f has; f's panic is the
// caller's. ctx bounds the wait for the slot, and its end is the only error. On
// nil slots, which are no limit, f runs at once.
func (s *slots) do(ctx context.Context, urgent bool, f func()) error {
	if s == nil {
		f()
		return nil
	}
	if err := s.acquire(ctx, urgent); err != nil {
		return err
	}
	defer s.release()
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
	case s.next <- task:
	default:
		go s.work(task)
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
func (s *slots) work(task func()) {
	idle := time.NewTimer(slotIdle)
	defer idle.Stop()
	for {
		task()
		idle.Reset(slotIdle)
		select {
		case task = <-s.next:
		case <-idle.C:
			return
		}
	}
}
