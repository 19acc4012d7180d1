package fetch

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// hostLimits bounds what each server is asked for. A limit of its own for each
// keeps a slow server from taking the place of the others.
type hostLimits struct {
	downloads int64   // at once; 0: any
	rate      float64 // requests a second; 0: any

	mu    sync.Mutex
	hosts map[string]*hostLimit
}

type hostLimit struct {
	users int // who waits or downloads
	slots *semaphore.Weighted
	rate  *rate.Limiter
}

// manyHosts is how many are kept before those that nobody uses are forgotten:
// names come from links, and so from outside.
const manyHosts = 1000

func newHostLimits(downloads int, perSecond float64) *hostLimits {
	return &hostLimits{downloads: int64(downloads), rate: perSecond, hosts: map[string]*hostLimit{}}
}

// acquire waits until a server may be asked, and returns what gives the place
// back. ctx's end is the only error.
func (l *hostLimits) acquire(ctx context.Context, host string) (release func(), err error) {
	if l.downloads == 0 && l.rate == 0 {
		return func() {}, nil
	}
	h := l.use(host)
	release = func() { l.leave(h) }
	if h.slots != nil {
		if err := h.slots.Acquire(ctx, 1); err != nil {
			release()
			return nil, context.Cause(ctx)
		}
		release = func() { h.slots.Release(1); l.leave(h) }
	}
	if h.rate != nil {
		if err := waitFor(ctx, h.rate, 1); err != nil {
			release()
			return nil, err
		}
	}
	return release, nil
}

func (l *hostLimits) use(host string) *hostLimit {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hosts[host]
	if h == nil {
		l.tidy()
		h = &hostLimit{}
		if l.downloads > 0 {
			h.slots = semaphore.NewWeighted(l.downloads)
		}
		if l.rate > 0 {
			h.rate = rate.NewLimiter(rate.Limit(l.rate), max(1, int(l.rate/10)))
		}
		l.hosts[host] = h
	}
	h.users++
	return h
}

func (l *hostLimits) leave(h *hostLimit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h.users--
}

func (l *hostLimits) tidy() {
	if len(l.hosts) < manyHosts {
		return
	}
	for name, h := range l.hosts {
		if h.users == 0 {
			delete(l.hosts, name)
		}
	}
}

// waitFor waits until n are allowed, n being at most the burst. ctx's end is the
// only error: that its deadline comes before, which the limiter sees and says
// beforehand, is waited for, so that nobody takes it for the server's fault.
func waitFor(ctx context.Context, l *rate.Limiter, n int) error {
	err := l.WaitN(ctx, n)
	if err == nil {
		return nil
	}
	if _, ok := ctx.Deadline(); !ok && ctx.Err() == nil {
		panic(err) // more than the burst
	}
	<-ctx.Done()
	return context.Cause(ctx)
}
