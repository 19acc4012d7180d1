package queue_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"fonoteka/internal/call"
	"fonoteka/internal/queue"
	"fonoteka/internal/testenv"
)

func job(id string, attempt int) queue.Job {
	return queue.Job{Attempt: attempt, Recording: call.Recording{
		Integration: "main", ID: id, URL: "https://mtt.ru/" + id + ".mp3", GroupID: 1<<63 + 1,
		AnnouncedAt: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC),
	}}
}

// seen collects the jobs that ran.
type seen struct {
	mu   sync.Mutex
	jobs []queue.Job
}

func (s *seen) add(_ context.Context, j queue.Job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs = append(s.jobs, j)
	return nil
}

func (s *seen) ids() (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		ids = append(ids, j.Recording.ID)
	}
	return ids
}

func (s *seen) count() int { return len(s.ids()) }

func client(t *testing.T, url string) *queue.Client {
	t.Helper()
	c, err := queue.NewClient(queue.ClientOptions{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// run starts a server; the returned func stops it and waits.
func run(t *testing.T, o queue.ServerOptions) (stop func()) {
	t.Helper()
	s, err := queue.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func enqueue(t *testing.T, c *queue.Client, j queue.Job, o queue.Options) {
	t.Helper()
	if err := c.Enqueue(t.Context(), j, o); err != nil {
		t.Fatal(err)
	}
}

func TestJobsRunOnceWholeAndInOrderOfUrgency(t *testing.T) {
	t.Parallel()
	redises(t, func(t *testing.T, url string) {
		c, got := client(t, url), &seen{}
		enqueue(t, c, job("later", 0), queue.Options{At: time.Now().Add(3 * time.Second)}) // the first, but for its time
		for range 3 {                                                                      // the second and third are known
			enqueue(t, c, job("a", 0), queue.Options{})
			enqueue(t, c, job("b", 4), queue.Options{})
			enqueue(t, c, job("u", 0), queue.Options{Urgent: true})
		}
		run(t, queue.ServerOptions{URL: url, Handler: got.add, Concurrency: 1})
		eventually(t, "four jobs ran", func() bool { return got.count() == 4 })
		if diff := cmp.Diff([]string{"u", "a", "b", "later"}, got.ids()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(job("b", 4), got.jobs[2]); diff != "" {
			t.Error(diff)
		}
		enqueue(t, c, job("a", 0), queue.Options{}) // done and forgotten: its id is free
		eventually(t, "a job that was done runs again", func() bool { return got.count() == 5 })
	})
}

func TestAnErrorMeansSoonAgain(t *testing.T) {
	t.Parallel()
	redises(t, func(t *testing.T, url string) {
		got, tries := &seen{}, 0
		run(t, queue.ServerOptions{URL: url, Concurrency: 1, Handler: func(ctx context.Context, j queue.Job) error {
			if j.Failures != tries {
				t.Errorf("%d failures, want %d", j.Failures, tries)
			}
			if tries++; tries == 1 {
				return errors.New("the store is down")
			} else if tries == 2 {
				panic("a mistake")
			}
			return got.add(ctx, j)
		}})
		enqueue(t, client(t, url), job("a", 0), queue.Options{})
		eventually(t, "the third try succeeds", func() bool { return got.count() == 1 })
	})
}

func TestRetryDelayGrowsToHalfAMinute(t *testing.T) {
	t.Parallel()
	var got []time.Duration
	for n := range 7 {
		got = append(got, queue.RetryDelay(n)/time.Second)
	}
	if diff := cmp.Diff([]time.Duration{1, 2, 4, 8, 16, 30, 30}, got); diff != "" {
		t.Error(diff)
	}
	if queue.RetryDelay(1<<40) != 30*time.Second || queue.RetryDelay(-1) != time.Second {
		t.Error("out of its range")
	}
}

func TestAJobThatWasSetAsideRunsAgain(t *testing.T) {
	t.Parallel()
	for _, flushed := range []bool{false, true} {
		t.Run("flushed "+strconv.FormatBool(flushed), func(t *testing.T) {
			t.Parallel()
			redises(t, func(t *testing.T, url string) {
				c := client(t, url)
				opts, err := redis.ParseURL(url)
				if err != nil {
					t.Fatal(err)
				}
				r := redis.NewClient(opts)
				defer r.Close()
				if flushed { // after which the client no longer names its queue in Redis
					enqueue(t, c, job("x", 0), queue.Options{})
					if err := r.FlushAll(t.Context()).Err(); err != nil {
						t.Fatal(err)
					}
				}
				enqueue(t, c, job("a", 7), queue.Options{})
				if flushed {
					r.SAdd(t.Context(), "asynq:queues", "default")
				}
				if err := asynq.NewInspectorFromRedisClient(r).ArchiveTask("default", job("a", 7).ID()); err != nil {
					t.Fatal(err)
				}
				if flushed {
					r.Del(t.Context(), "asynq:queues")
				}
				enqueue(t, c, job("a", 7), queue.Options{})
				got := &seen{}
				run(t, queue.ServerOptions{URL: url, Handler: got.add})
				eventually(t, "it runs", func() bool { return got.count() == 1 })
			})
		})
	}
}

// buffer is a log that goroutines may write to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestRedisMayBeAwayAtTheStartAndLoseEverythingLater(t *testing.T) {
	t.Parallel()
	redis, got, logged := testenv.NewRedis(t), &seen{}, &buffer{}
	c := client(t, redis.SocketURL())
	if err := c.Enqueue(t.Context(), job("early", 0), queue.Options{}); err == nil {
		t.Error("a job is accepted without Redis")
	}
	if err := c.Ping(t.Context()); err == nil {
		t.Error("Ping succeeds without Redis")
	}
	run(t, queue.ServerOptions{URL: redis.SocketURL(), Handler: got.add, Log: slog.New(slog.NewTextHandler(logged, nil))})
	for round := range 3 {
		away := time.Now()
		eventually(t, "some time passes without Redis", func() bool { return time.Since(away) > time.Second })
		redis.Start()
		enqueue(t, c, job("j"+strconv.Itoa(round), 0), queue.Options{})
		enqueue(t, c, job("u"+strconv.Itoa(round), 0), queue.Options{Urgent: true})
		eventually(t, "jobs run after Redis came back", func() bool { return got.count() == 2*(round+1) })
		redis.Kill()
	}
	if n := strings.Count(logged.String(), "\n"); n > 10 {
		t.Errorf("%d lines logged:\n%s", n, logged)
	}
}

func TestStoppingLetsJobsEndAndTakesBackTheRest(t *testing.T) {
	t.Parallel()
	redis := testenv.StartRedis(t)
	c := client(t, redis.SocketURL())
	started, ended := make(chan string, 2), make(chan string, 2)
	stop := run(t, queue.ServerOptions{URL: redis.SocketURL(), ShutdownTimeout: 300 * time.Millisecond, Handler: func(ctx context.Context, j queue.Job) error {
		started <- j.Recording.ID
		if j.Recording.ID == "long" {
			<-ctx.Done()
		}
		ended <- j.Recording.ID
		return ctx.Err()
	}})
	enqueue(t, c, job("long", 0), queue.Options{})
	<-started
	stop()
	if len(ended) != 1 {
		t.Error("Run returned before its handler")
	}
	got := &seen{}
	run(t, queue.ServerOptions{URL: redis.SocketURL(), Handler: got.add})
	eventually(t, "the next server does what was left", func() bool { return got.count() == 1 })
}

func TestAJobThatHasNotBegunEndsWhenTheServerStops(t *testing.T) {
	t.Parallel()
	redis := testenv.StartRedis(t)
	c := client(t, redis.SocketURL())
	waits := make(chan struct{})
	stop := run(t, queue.ServerOptions{URL: redis.SocketURL(), ShutdownTimeout: time.Hour, Handler: func(ctx context.Context, _ queue.Job) error {
		before, end := queue.BeforeStop(ctx)
		defer end()
		close(waits)
		<-before.Done()
		if ctx.Err() != nil || !errors.Is(context.Cause(before), queue.ErrStopping) {
			t.Errorf("%v, %v", ctx.Err(), context.Cause(before))
		}
		return context.Cause(before)
	}})
	enqueue(t, c, job("waits", 0), queue.Options{})
	<-waits
	stop()
	got := &seen{}
	run(t, queue.ServerOptions{URL: redis.SocketURL(), Handler: got.add})
	eventually(t, "the next server does it", func() bool { return got.count() == 1 })
}

func TestAnAddressWithAMistakeIsRefusedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "localhost:6379", "http://:secret@localhost", "redis://:secret@host:port/%zz", "redis://:secret@localhost/x", "redis://:secret@localhost:6379?db=secret"} {
		_, err := queue.NewClient(queue.ClientOptions{URL: url})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := queue.NewServer(queue.ServerOptions{URL: "redis://localhost"}); err == nil {
		t.Error("a server without a handler is accepted")
	}
}

func TestAJobThatIsWishedNowDoesNotWaitForItsTime(t *testing.T) {
	t.Parallel()
	redises(t, func(t *testing.T, url string) {
		c, got := client(t, url), &seen{}
		enqueue(t, c, job("a", 3), queue.Options{At: time.Now().Add(time.Hour)})
		enqueue(t, c, job("b", 3), queue.Options{At: time.Now().Add(time.Hour)})
		run(t, queue.ServerOptions{URL: url, Handler: got.add, Concurrency: 1})
		enqueue(t, c, job("a", 3), queue.Options{})
		enqueue(t, c, job("b", 3), queue.Options{At: time.Now().Add(time.Hour)}) // as it was
		eventually(t, "the wished one runs", func() bool { return got.count() > 0 })
		if diff := cmp.Diff([]string{"a"}, got.ids()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestARedisIsReachedWithinTheProcess(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	dial := func(context.Context) (net.Conn, error) { return m.Dial() }
	c, err := queue.NewClient(queue.ClientOptions{URL: "redis://127.0.0.1:1", Dial: dial})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const all = 300
	for i := range all {
		enqueue(t, c, job(strconv.Itoa(i), 0), queue.Options{})
	}
	enqueue(t, c, job("0", 0), queue.Options{}) // is known
	if n, err := c.Depth(t.Context()); err != nil || n != all {
		t.Errorf("%d jobs wait, want %d (%v)", n, all, err)
	}
	got := &seen{}
	run(t, queue.ServerOptions{URL: "redis://127.0.0.1:1", Dial: dial, Handler: got.add, Concurrency: 50})
	eventually(t, "all are done", func() bool {
		n, err := c.Depth(t.Context())
		return err == nil && n == 0 && got.count() == all
	})
}

// Or a worker that finds no Redis would ask again without a pause.
func TestADialThatFailsIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	var dials atomic.Int32
	c, err := queue.NewClient(queue.ClientOptions{URL: "redis://127.0.0.1:1", Dial: func(context.Context) (net.Conn, error) {
		dials.Add(1)
		return nil, errors.New("not up")
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "not up") {
		t.Errorf("error %v", err)
	}
	if n := dials.Load(); n <= 5 { // which is one try
		t.Errorf("given up after %d dials", n)
	}
}

func TestAJobThatPanicsIsToldOfAndRunsAgain(t *testing.T) {
	t.Parallel()
	redises(t, func(t *testing.T, url string) {
		var runs atomic.Int32
		logged := &buffer{}
		run(t, queue.ServerOptions{URL: url, Log: slog.New(slog.NewTextHandler(logged, nil)), Handler: func(context.Context, queue.Job) error {
			if runs.Add(1) == 1 {
				panic("no such file")
			}
			return nil
		}})
		enqueue(t, client(t, url), job("a", 0), queue.Options{})
		eventually(t, "it runs again", func() bool { return runs.Load() == 2 })
		if log := logged.String(); !strings.Contains(log, `msg="job panicked" recording=a`) || !strings.Contains(log, "no such file") || !strings.Contains(log, "queue_test.go") {
			t.Errorf("logged:\n%s", log)
		}
	})
}
