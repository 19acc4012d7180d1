package archive_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/archive"
	"fonoteka/internal/call"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/queue"
)

// backlog is a catalogue of recordings that are due, in order of expiry.
type backlog struct {
	mu   sync.Mutex
	rows []call.RecordingStatus
	done []bool
	from int
	seen []int // places in order of expiry, as they were done
}

func (b *backlog) DueRecordings(_ context.Context, _ time.Time, limit int) (due []call.RecordingStatus, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.from < len(b.rows) && b.done[b.from] {
		b.from++
	}
	for i := b.from; i < len(b.rows) && len(due) < limit; i++ {
		if !b.done[i] {
			due = append(due, b.rows[i])
		}
	}
	return due, nil
}

func (b *backlog) RefusedRecordings(context.Context, int) ([]call.RecordingStatus, error) {
	return nil, nil
}

func (b *backlog) finish(place int) (left int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.done[place] {
		b.done[place] = true
		b.seen = append(b.seen, place)
	}
	return len(b.rows) - len(b.seen)
}

// TestABacklogIsDoneInOrderOfExpiry drains what an installation may find at its
// first start through planner, Redis and workers. Their announcements come at
// the same time, in no order.
func TestABacklogIsDoneInOrderOfExpiry(t *testing.T) {
	t.Parallel()
	n := 20_000 // 100,000 take two minutes, and show the same
	if testing.Short() {
		n = 5_000
	}
	const window, workers = 1000, 128
	now := time.Now()
	b := &backlog{done: make([]bool, n)}
	place := map[string]int{}
	for i := range n {
		id := fmt.Sprintf("%032x", i)
		place[id] = i
		b.rows = append(b.rows, waiting(id, call.Announced, 0, time.Time{}, now.Add(-day+time.Duration(i)*100*day/time.Duration(n))))
	}
	addr, password := embeddedtest.Redis(t)
	url := "redis://:" + password + "@" + addr + "/0"
	client, err := queue.NewClient(queue.ClientOptions{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server, err := queue.NewServer(queue.ServerOptions{URL: url, Concurrency: workers, Handler: func(_ context.Context, j queue.Job) error {
		if b.finish(place[j.Recording.ID]) == 0 {
			cancel()
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := archive.NewPlanner(archive.PlannerOptions{
		Due: b, Queue: client, Depth: client.Depth, Hosts: hosts(t), Window: window, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := archive.NewSubmitter(archive.SubmitterOptions{Queue: client, Depth: client.Depth, Backlog: p.Backlog})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	running.Go(func() {
		// The planner has the first word; announcements are read behind it.
		for d, _ := client.Depth(ctx); d < window/2 && ctx.Err() == nil; d, _ = client.Depth(ctx) {
		}
		for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
			if s.Submit(ctx, b.rows[i].Recording) != nil {
				return
			}
		}
	})
	running.Go(func() { server.Run(ctx) })
	running.Wait()
	if len(b.seen) != n {
		t.Fatalf("%d of %d done", len(b.seen), n)
	}
	early := make([]int, n)
	for at, place := range b.seen {
		early[at] = place - at
	}
	slices.Sort(early)
	t.Logf("%d jobs in %v; done before their place by %d at most, %d of 99 in 100", n, time.Since(start).Round(time.Millisecond), early[n-1], early[n*99/100])
	if limit := window + workers; early[n-1] > limit {
		t.Errorf("order of expiry is broken by %d places, a window and the workers are %d", early[n-1], limit)
	}
}
