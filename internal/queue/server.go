package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/redis/go-redis/v9"

	"fonoteka/internal/run"
)

// Handler does one job. An error means that the infrastructure failed: the job
// is tried again soon. It must stop when ctx ends.
type Handler func(ctx context.Context, job Job) error

// ServerOptions of a Server. URL and Handler are required.
type ServerOptions struct {
	URL             string // redis://, rediss:// or unix://
	Dial            Dialer // instead of the URL's host; nil: that
	Handler         Handler
	Concurrency     int                   // jobs at once; default 16
	ShutdownTimeout time.Duration         // how long jobs may go on after Run was told to stop; default 20 s
	LeaseEvery      time.Duration         // between two checks for abandoned jobs; default 15 s
	Log             *slog.Logger          // nil: discarded
	Registerer      prometheus.Registerer // nil: none
}

func (o *ServerOptions) validate() error {
	if o.Handler == nil {
		return errors.New("queue: a handler is required")
	}
	if o.Concurrency < 0 || o.ShutdownTimeout < 0 {
		return errors.New("queue: concurrency and shutdown timeout cannot be negative")
	}
	if o.Concurrency == 0 {
		o.Concurrency = 16
	}
	if o.LeaseEvery <= 0 {
		o.LeaseEvery = 15 * time.Second
	}
	if o.ShutdownTimeout == 0 {
		o.ShutdownTimeout = 20 * time.Second
	}
	o.Log = run.Log(o.Log)
	return nil
}

// Server runs jobs.
type Server struct {
	opts    ServerOptions
	redis   *redis.Client
	health  health
	handled *prometheus.CounterVec
	running prometheus.Gauge
	leases  leases
	jobs    sync.WaitGroup
}

// NewServer makes a Server without talking to Redis.
func NewServer(o ServerOptions) (*Server, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	r, err := connect(o.URL, o.Dial)
	if err != nil {
		return nil, err
	}
	f := promauto.With(o.Registerer)
	s := &Server{
		opts: o, redis: r,
		health: health{outage: run.NewOutage("queue", o.Log, o.Registerer), up: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_queue_redis_up", Help: "1 if Redis answered the last time it was asked.",
		})},
		handled: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_queue_jobs_total", Help: "Jobs run, by result: done, retry (the infrastructure failed), or unreadable.",
		}, []string{"result"}),
		running: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_queue_jobs_running", Help: "Jobs that run now.",
		}),
		leases: newLeases(r, o.Log, f),
	}
	for _, result := range []string{"done", "retry", "unreadable"} { // so that the first one is an increase
		s.handled.WithLabelValues(result)
	}
	return s, nil
}

// Run works until ctx ends and returns when every handler has returned. It
// begins whether or not Redis is up. After ctx has ended, jobs may go on
// for the shutdown timeout; a job that is not done then goes back into its queue, and
// its context ends. Run is called once.
func (s *Server) Run(ctx context.Context) error {
	defer s.redis.Close()
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := asynq.NewServerFromRedisClient(s.redis, asynq.Config{
		Concurrency:    s.opts.Concurrency,
		BaseContext:    func() context.Context { return context.WithValue(base, stopping{}, ctx) },
		Queues:         map[string]int{urgent: 2, normal: 1},
		StrictPriority: true,
		// Both are polling intervals: some ten small scripts a second on an idle Redis, so
		// that a job runs within a second of the time when it is due.
		TaskCheckInterval:        100 * time.Millisecond,
		DelayedTaskCheckInterval: 500 * time.Millisecond,
		RetryDelayFunc:           func(n int, _ error, _ *asynq.Task) time.Duration { return RetryDelay(n) },
		ShutdownTimeout:          s.opts.ShutdownTimeout,
		HealthCheckFunc:          s.health.check,
		HealthCheckInterval:      5 * time.Second,
		Logger:                   &logger{log: s.opts.Log, health: &s.health},
		LogLevel:                 asynq.WarnLevel,
	})
	s.health.check(ping(ctx, s.redis))
	if err := srv.Start(asynq.HandlerFunc(s.handle)); err != nil {
		return fmt.Errorf("starting queue server: %w", err)
	}
	s.leases.run(ctx, s.opts.LeaseEvery)
	srv.Shutdown()
	cancel()
	s.jobs.Wait()
	return nil
}

// stopping is the key of the context that ends when the server is told to stop.
type stopping struct{}

// ErrStopping is the cause of a context that ended because the server stops.
var ErrStopping = errors.New("queue: the server stops")

// BeforeStop derives from a job's context one that ends as soon as the server is told to
// stop, with ErrStopping as its cause: for a job that still waits for its turn. end
// releases it.
func BeforeStop(ctx context.Context) (before context.Context, end func()) {
	before, cancel := context.WithCancelCause(ctx)
	stop, ok := ctx.Value(stopping{}).(context.Context)
	if !ok {
		return before, func() { cancel(nil) }
	}
	detach := context.AfterFunc(stop, func() { cancel(ErrStopping) })
	return before, func() { detach(); cancel(nil) }
}

// RetryDelay is how long a job waits after its n-th failure by infrastructure:
// 1 s doubling to 30 s.
func RetryDelay(n int) time.Duration {
	return min(time.Second<<min(max(n, 0), 5), 30*time.Second)
}

func (s *Server) handle(ctx context.Context, task *asynq.Task) (err error) {
	s.jobs.Add(1)
	defer s.jobs.Done()
	s.running.Inc()
	defer s.running.Dec()
	job, err := decode(task.Payload())
	if err != nil {
		s.handled.WithLabelValues("unreadable").Inc()
		s.opts.Log.ErrorContext(ctx, "job cannot be read", "err", err, "bytes", len(task.Payload()))
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	job.Failures, _ = asynq.GetRetryCount(ctx)
	defer func() {
		if v := recover(); v != nil { // asynq would log the place, but not the value
			s.handled.WithLabelValues("retry").Inc()
			s.opts.Log.ErrorContext(ctx, "job panicked", "recording", job.Recording.ID, "attempt", job.Attempt, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = errors.New("job panicked")
		}
	}()
	if err = s.opts.Handler(ctx, job); err != nil {
		s.handled.WithLabelValues("retry").Inc()
		s.opts.Log.DebugContext(ctx, "job to be tried again", "recording", job.Recording.ID, "attempt", job.Attempt, "err", err)
		return err
	}
	s.handled.WithLabelValues("done").Inc()
	return nil
}
