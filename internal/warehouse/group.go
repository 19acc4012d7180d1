package warehouse

import (
	"context"
	"sync"
	"time"
)

// group gathers questions for one key each into questions for many.
type group[K comparable, V any] struct {
	read func(ctx context.Context, keys []K) (map[K]V, error) // has a deadline of its own

	mu   sync.Mutex
	next *round[K, V] // those who wait for the query after the running one
	busy bool
	pace pace // of the queries; only work uses it
}

// round is one query. Its answer is there when done is closed.
type round[K comparable, V any] struct {
	keys  []K
	first time.Time // when the first of them came
	last  time.Time
	full  chan struct{} // closed when there are many
	done  chan struct{}
	found map[K]V
	err   error
}

// get returns when the query with its key is answered, or ctx has ended.
func (g *group[K, V]) get(ctx context.Context, key K) (V, bool, error) {
	r := g.join(key)
	var none V
	select {
	case <-r.done:
	case <-ctx.Done():
		return none, false, ctx.Err()
	}
	v, ok := r.found[key]
	return v, ok && r.err == nil, r.err
}

func (g *group[K, V]) join(key K) *round[K, V] {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next == nil {
		g.next = &round[K, V]{first: time.Now(), full: make(chan struct{}), done: make(chan struct{})}
	}
	r := g.next
	r.keys = append(r.keys, key)
	r.last = time.Now()
	if len(r.keys) == many {
		close(r.full)
	}
	if !g.busy {
		g.busy = true
		go g.work() // ends with the last question; each query has its deadline
	}
	return r
}

const (
	readPace = 350 * time.Millisecond // how often a question is put to the warehouse for many
	many     = maxBatch               // for so many it is put sooner: a batch of rows sets as many free
)

// work queries until nobody waits.
func (g *group[K, V]) work() {
	for {
		g.mu.Lock()
		r := g.next
		g.busy = r != nil
		g.mu.Unlock()
		if r == nil {
			return
		}
		g.gather(r)
		g.mu.Lock()
		g.next = nil
		g.mu.Unlock()
		g.pace.begin(len(r.keys))
		// Not a caller's context: it would end the query for the others.
		r.found, r.err = g.read(context.Background(), r.keys)
		close(r.done)
	}
}

// gather waits until a round may begin.
func (g *group[K, V]) gather(r *round[K, V]) {
	due, patience := g.pace.due(r.first, readPace)
	for {
		g.mu.Lock()
		end := r.last.Add(patience)
		g.mu.Unlock()
		if due.Before(end) {
			end = due
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
