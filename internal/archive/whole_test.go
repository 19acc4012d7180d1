package archive_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"fonoteka/internal/archive"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/fetch"
	"fonoteka/internal/queue"
)

// TestEverythingIsArchivedThoughRedisLosesItAll runs planner, queue, workers,
// store and a server with moods together, and empties Redis twice.
func TestEverythingIsArchivedThoughRedisLosesItAll(t *testing.T) {
	t.Parallel()
	const n = 300
	mp3 := audio(t)
	var mu sync.Mutex
	tries := map[string]int{}
	origin := newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		tries[r.URL.Path]++
		try := tries[r.URL.Path]
		mu.Unlock()
		h := fnv.New32()
		h.Write([]byte(r.URL.Path))
		switch mood := h.Sum32() % 20; {
		case mood == 0 && try == 1:
			w.WriteHeader(404)
		case mood == 1 && try <= 2:
			w.WriteHeader(500)
		case mood == 2 && try == 1:
			cut(mp3, true)(w, r)
		default:
			serve(mp3)(w, r)
		}
	})
	addr, password := embeddedtest.Redis(t)
	url := "redis://:" + password + "@" + addr + "/0"
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	r := redis.NewClient(o)
	defer r.Close()
	client, err := queue.NewClient(queue.ClientOptions{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	c, store := newCatalogue(), newBucket(t)
	var recs []call.Recording
	for i := range n {
		rec := recording(fmt.Sprintf("%s/2026/02/28/%d.mp3", origin.URL, i), time.Now())
		recs = append(recs, rec)
		c.Save(t.Context(), call.RecordingStatus{Recording: rec, State: call.Announced})
	}
	fetcher, err := fetch.New(fetch.Options{Hosts: hosts(t, origin.Addr()), TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer fetcher.Close()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	a, err := archive.New(archive.Options{Catalogue: c, Store: store, Bucket: store.Name(), Queue: client, Fetcher: fetcher, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	p, err := archive.NewPlanner(archive.PlannerOptions{Due: c, Queue: client, Hosts: hosts(t, origin.Addr()), Interval: time.Second, Window: 100, Depth: client.Depth, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	server, err := queue.NewServer(queue.ServerOptions{URL: url, Handler: a.Handle, Concurrency: 8, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	running.Go(func() { server.Run(ctx) })
	defer running.Wait()
	defer cancel()
	submitter, err := archive.NewSubmitter(archive.SubmitterOptions{Queue: client, Depth: client.Depth, Deep: 25})
	if err != nil {
		t.Fatal(err)
	}
	if err := submitter.Submit(t.Context(), recs...); err != nil {
		t.Error(err)
	}
	archived := func() (done int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, row := range c.rows {
			if row.State == call.Archived {
				done++
			}
		}
		return done
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	flushAt := []int{n / 10, n / 2}
	for start := time.Now(); archived() < n; <-tick.C {
		if len(flushAt) > 0 && archived() >= flushAt[0] {
			flushAt = flushAt[1:]
			if err := r.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("%d of %d after a minute", archived(), n)
		}
	}
	if got := len(keys(t, store)); got != 2*n {
		t.Errorf("%d objects for %d recordings", got, n)
	}
	for _, rec := range recs[:20] {
		if got := read(t, store, bucket.Key(rec, "mp3")); string(got) != string(mp3) {
			t.Errorf("%s: %d bytes", rec.ID, len(got))
		}
	}
}
