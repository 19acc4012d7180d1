package fetch

import (
	"context"
	"errors"
	"time"
)

var (
	errStalled = errors.New("the server sends nothing")
	errTooSlow = errors.New("the download takes too long")
)

// watch ends a download that takes too long. Its clock stops while the download
// waits for our own limits: those are not the server's fault. It belongs to one
// goroutine.
type watch struct {
	total   *time.Timer
	left    time.Duration // of the whole, when the clock was last started
	started time.Time
}

// newWatch starts a clock that calls expire after total.
func newWatch(total time.Duration, expire func()) *watch {
	return &watch{time.AfterFunc(total, expire), total, time.Now()}
}

// paused does something whose time does not count.
func (w *watch) paused(do func() error) error {
	if w.total.Stop() {
		w.left -= time.Since(w.started)
		defer func() {
			w.started = time.Now()
			w.total.Reset(max(w.left, 0))
		}()
	}
	return do()
}

func (w *watch) stop() { w.total.Stop() }

// idleTimer limits the time of a single read.
type idleTimer struct {
	after time.Duration
	timer *time.Timer
}

func newIdleTimer(after time.Duration, cancel context.CancelCauseFunc) idleTimer {
	t := time.AfterFunc(after, func() { cancel(errStalled) })
	t.Stop()
	return idleTimer{after, t}
}

// during runs one read under the limit.
func (i idleTimer) during(read func() (int, error)) (int, error) {
	i.timer.Reset(i.after)
	defer i.timer.Stop()
	return read()
}
