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
}

// round is one query. Its fields but keys are set when done is closed.
type round[K comparable, V any] struct {
	keys  []K
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
		g.next = &round[K, V]{done: make(chan struct{})}
	}
	r := g.next
	r.keys = append(r.keys, key)
	if !g.busy {
		g.busy = true
		go g.work() // ends with the last question; each query has its deadline
	}
	return r
}

// some reports whether anybody waits.
func (g *group[K, V]) some() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.next != nil
}

// company is how long a round waits for more questions, where others waited
// already while the one before ran. Who asks alone never waits.
const company = 20 * time.Millisecond

// work queries until nobody waits.
func (g *group[K, V]) work() {
	for first := true; ; first = false {
		if !first && g.some() {
			time.Sleep(company)
		}
		g.mu.Lock()
		r := g.next
		g.next = nil
		g.busy = r != nil
		g.mu.Unlock()
		if r == nil {
			return
		}
		// Not a caller's context: it would end the query for the others.
		r.found, r.err = g.read(context.Background(), r.keys)
		close(r.done)
	}
}
