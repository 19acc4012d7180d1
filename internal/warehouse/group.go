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
	pace pace          // of the queries; only work uses it
	full chan struct{} // holds one: many wait
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
	if g.full == nil {
		g.full = make(chan struct{}, 1)
	}
	if len(r.keys) == many {
		g.full <- struct{}{}
	}
	if !g.busy {
		g.busy = true
		go g.work() // ends with the last question; each query has its deadline
	}
	return r
}

const (
	readPace = 350 * time.Millisecond // how often a question is put to the warehouse for many
	many     = 192                    // for so many it is put sooner
)

// work queries until nobody waits.
func (g *group[K, V]) work() {
	for {
		select {
		case <-time.After(g.pace.wait(readPace)):
		case <-g.full:
		}
		g.mu.Lock()
		r := g.next
		g.next = nil
		select { // of this round
		case <-g.full:
		default:
		}
		g.busy = r != nil
		g.mu.Unlock()
		if r == nil {
			return
		}
		g.pace.begin(len(r.keys))
		// Not a caller's context: it would end the query for the others.
		r.found, r.err = g.read(context.Background(), r.keys)
		close(r.done)
	}
}

// pace spreads what is done for many at once: a round that follows upon one with
// company waits until some time after that one's beginning, or until it has many
// itself, so that under load there are few rounds with many in each. A question
// to ClickHouse costs 5 ms of a core and an insert 20, for one row or for
// hundreds. Who comes alone, and not right after such a round, never waits.
type pace struct {
	began   time.Time
	company bool // of the last round
}

func (p *pace) begin(size int) { p.began, p.company = time.Now(), size > 1 }

// wait is how long the next round has to wait.
func (p *pace) wait(each time.Duration) time.Duration {
	if !p.company {
		return 0
	}
	return max(each-time.Since(p.began), 0)
}
