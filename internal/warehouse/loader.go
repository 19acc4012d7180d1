package warehouse

import (
	"context"
	"sync"
	"time"
)

// Loader is a dataloader: it gathers the questions of many callers for one key each
// into queries for many keys. What is asked while a query runs, and for a moment after
// one for many, goes together into the next; who asks alone is answered at once. It is
// safe for concurrent use.
type Loader[K comparable, V any] struct {
	read func(ctx context.Context, keys []K) (map[K]V, error)

	mu       sync.Mutex
	next     *load[K, V] // of those who wait for the query after the running one
	busy     bool
	interval flushInterval // of the queries; only work uses it
}

// NewLoader makes a Loader; read must have a deadline of its own.
func NewLoader[K comparable, V any](read func(ctx context.Context, keys []K) (map[K]V, error)) *Loader[K, V] {
	return &Loader[K, V]{read: read}
}

// load is one query. Its answer is there when done is closed.
type load[K comparable, V any] struct {
	keys  []K
	first time.Time // when the first of them came
	last  time.Time
	full  chan struct{} // closed when there are maxBatch
	done  chan struct{}
	found map[K]V
	err   error
}

// Load returns the value of a key, and false if there is none. It returns when the
// query with the key is answered, or ctx has ended.
func (l *Loader[K, V]) Load(ctx context.Context, key K) (V, bool, error) {
	r := l.join(key)
	var none V
	select {
	case <-r.done:
	case <-ctx.Done():
		return none, false, ctx.Err()
	}
	v, ok := r.found[key]
	return v, ok && r.err == nil, r.err
}

func (l *Loader[K, V]) join(key K) *load[K, V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next = &load[K, V]{first: time.Now(), full: make(chan struct{}), done: make(chan struct{})}
	}
	r := l.next
	r.keys = append(r.keys, key)
	r.last = time.Now()
	if len(r.keys) == maxBatch {
		close(r.full)
	}
	if !l.busy {
		l.busy = true
		go l.work() // ends with the last question; each query has its deadline
	}
	return r
}

// readInterval is how often a query is put to the warehouse for several callers. For
// maxBatch it is put sooner: a batch of rows sets as many callers free.
const readInterval = 350 * time.Millisecond

// work queries until nobody waits.
func (l *Loader[K, V]) work() {
	for {
		l.mu.Lock()
		r := l.next
		l.busy = r != nil
		l.mu.Unlock()
		if r == nil {
			return
		}
		l.gather(r)
		l.mu.Lock()
		l.next = nil
		l.mu.Unlock()
		l.interval.flushed(len(r.keys))
		// Not a caller's context: it would end the query for the others.
		r.found, r.err = l.read(context.Background(), r.keys)
		close(r.done)
	}
}

// gather waits until a query may begin.
func (l *Loader[K, V]) gather(r *load[K, V]) {
	at, idle := l.interval.next(r.first, readInterval)
	for {
		l.mu.Lock()
		end := r.last.Add(idle)
		l.mu.Unlock()
		if at.Before(end) {
			end = at
		}
		left := time.Until(end)
		if left <= 0 {
			return
		}
		select {
		case <-time.After(left):
		case <-r.full:
			return
		}
	}
}
