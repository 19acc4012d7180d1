package queue_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"fonoteka/internal/queue"
	"fonoteka/internal/testenv"
)

// redisOf is a plain connection, to do what accidents do.
func redisOf(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	r := redis.NewClient(o)
	t.Cleanup(func() { r.Close() })
	return r
}

// abandon leaves a job that waits as a worker leaves it that was killed, without its
// lease.
func abandon(t *testing.T, r *redis.Client, id string) {
	t.Helper()
	ctx := context.Background()
	_, err := r.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.LRem(ctx, "asynq:{default}:pending", 1, id)
		p.LPush(ctx, "asynq:{default}:active", id)
		p.HSet(ctx, "asynq:{default}:t:"+id, "state", "active")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen in %v: %s", limit, what)
		}
	}
}

// asynq frees a job only whose lease has run out, so that one without a lease would
// never run again.
func TestAJobThatNobodyWorksOnRunsAgain(t *testing.T) {
	t.Parallel()
	redises(t, func(t *testing.T, url string) {
		c, got, r := client(t, url), &seen{}, redisOf(t, url)
		for i := range 30 {
			enqueue(t, c, job(fmt.Sprint(i), 0), queue.Options{})
			abandon(t, r, job(fmt.Sprint(i), 0).ID())
		}
		if err := r.LPush(t.Context(), "asynq:{default}:active", "main:gone:0").Err(); err != nil { // nothing is known of it
			t.Fatal(err)
		}
		reg := prometheus.NewRegistry()
		run(t, queue.ServerOptions{URL: url, Handler: got.add, LeaseEvery: 200 * time.Millisecond, Registerer: reg})
		within(t, 20*time.Second, "they are counted", func() bool { return gauge(t, reg, "fonoteka_queue_abandoned_jobs") == 30 })
		within(t, 3*time.Minute, "they run", func() bool { return got.count() == 30 })
		within(t, 20*time.Second, "none is counted", func() bool { return gauge(t, reg, "fonoteka_queue_abandoned_jobs") == 0 })
		if n := r.LLen(t.Context(), "asynq:{default}:active").Val(); n != 0 {
			t.Errorf("%d jobs are still active", n)
		}
	})
}

func gauge(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return -1
}

// A job that runs keeps its lease, also when that is lost: it is not run twice.
func TestAJobThatRunsIsNotFreed(t *testing.T) {
	t.Parallel()
	url := testenv.StartRedis(t).SocketURL()
	c, r := client(t, url), redisOf(t, url)
	started, let, got := make(chan struct{}, 10), make(chan struct{}), &seen{}
	run(t, queue.ServerOptions{URL: url, LeaseEvery: 200 * time.Millisecond, Handler: func(ctx context.Context, j queue.Job) error {
		started <- struct{}{}
		<-let
		return got.add(ctx, j)
	}})
	enqueue(t, c, job("a", 0), queue.Options{})
	<-started
	if err := r.Del(t.Context(), "asynq:{default}:lease").Err(); err != nil {
		t.Fatal(err)
	}
	within(t, 30*time.Second, "its lease is in the future again", func() bool {
		until, err := r.ZScore(t.Context(), "asynq:{default}:lease", job("a", 0).ID()).Result()
		return err == nil && time.Unix(int64(until), 0).After(time.Now())
	})
	close(let)
	within(t, 20*time.Second, "it ends", func() bool { return got.count() == 1 })
}

// A job that asynq keeps in none of its lists would hold its id for ever.
func TestAJobThatIsInNoListIsPutAgain(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"pending", "active"} {
		t.Run(list, func(t *testing.T) {
			t.Parallel()
			redises(t, func(t *testing.T, url string) {
				c, r, got := client(t, url), redisOf(t, url), &seen{}
				enqueue(t, c, job("a", 0), queue.Options{})
				if list == "active" {
					abandon(t, r, job("a", 0).ID())
				}
				if err := r.Del(t.Context(), "asynq:{default}:"+list).Err(); err != nil {
					t.Fatal(err)
				}
				enqueue(t, c, job("a", 0), queue.Options{})
				run(t, queue.ServerOptions{URL: url, Handler: got.add})
				eventually(t, "it runs", func() bool { return got.count() == 1 })
			})
		})
	}
}

// A wish for a try is another job than the one that may hold the id.
func TestAWishIsAJobOfItsOwn(t *testing.T) {
	t.Parallel()
	redises(t, func(t *testing.T, url string) {
		c, r, got := client(t, url), redisOf(t, url), &seen{}
		enqueue(t, c, job("a", 0), queue.Options{})
		abandon(t, r, job("a", 0).ID())
		enqueue(t, c, job("a", 0), queue.Options{}) // is known
		wish := job("a", 0)
		wish.Due = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
		if wish.ID() == job("a", 0).ID() {
			t.Fatal("one id")
		}
		enqueue(t, c, wish, queue.Options{})
		run(t, queue.ServerOptions{URL: url, Handler: got.add})
		eventually(t, "it runs", func() bool { return got.count() == 1 })
	})
}
