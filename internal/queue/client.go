package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/redis/go-redis/v9"

	"fonoteka/internal/run"
)

// JobTimeout is how long a handler may run before its context ends, including the time
// that it waits for its turn and for our own bandwidth limit. The archive's limit of the
// duration of a download is far shorter, so that this one only ends handlers that hang;
// the jobs of a process that died are run again half a minute later anyway.
const JobTimeout = 12 * time.Hour

// ClientOptions of a Client.
type ClientOptions struct {
	URL        string                // redis://, rediss:// or unix://
	Dial       Dialer                // instead of the URL's host; nil: that
	JobTimeout time.Duration         // of the jobs it enqueues; default JobTimeout
	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: none
}

// Client puts jobs into the queues. It is safe for concurrent use.
type Client struct {
	redis     *redis.Client
	asynq     *asynq.Client
	inspector *asynq.Inspector
	log       *slog.Logger
	timeout   time.Duration
	enqueued  *prometheus.CounterVec
}

// NewClient makes a Client without talking to Redis.
func NewClient(o ClientOptions) (*Client, error) {
	r, err := connect(o.URL, o.Dial)
	if err != nil {
		return nil, err
	}
	if o.JobTimeout <= 0 {
		o.JobTimeout = JobTimeout
	}
	return &Client{
		timeout: o.JobTimeout,
		redis:   r, asynq: asynq.NewClientFromRedisClient(r), inspector: asynq.NewInspectorFromRedisClient(r), log: run.Log(o.Log),
		enqueued: promauto.With(o.Registerer).NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_queue_enqueued_total",
			Help: "Jobs offered to the queue: new, duplicate (it is there already), rescheduled (to an earlier time), requeued (it was there and would never have run), or failed.",
		}, []string{"queue", "result"}),
	}, nil
}

// Options of one Enqueue.
type Options struct {
	Urgent bool
	At     time.Time // zero or past: now; rounded to the second, so that a job runs between one second before it and 0.7 s after it
}

// Enqueue puts a job into its queue. When it returns nil, the job waits, runs
// or is scheduled there, perhaps since before. Redis may lose it again.
func (c *Client) Enqueue(ctx context.Context, job Job, o Options) error {
	queue := normal
	if o.Urgent {
		queue = urgent
	}
	result, err := c.enqueue(ctx, queue, job, o.At)
	if err != nil {
		c.enqueued.WithLabelValues(queue, "failed").Inc()
		return fmt.Errorf("enqueueing recording %s, attempt %d: %w", job.Recording.ID, job.Attempt, err)
	}
	c.enqueued.WithLabelValues(queue, result).Inc()
	return nil
}

func (c *Client) enqueue(ctx context.Context, queue string, job Job, at time.Time) (result string, err error) {
	payload, err := json.Marshal(job)
	if err != nil {
		return "", err
	}
	opts := []asynq.Option{
		asynq.TaskID(job.ID()), asynq.Queue(queue), asynq.MaxRetry(math.MaxInt32),
		asynq.Timeout(c.timeout), asynq.Retention(0),
	}
	if !at.IsZero() {
		opts = append(opts, asynq.ProcessAt(at))
	}
	put := func() error {
		_, err := c.asynq.EnqueueContext(ctx, asynq.NewTask(taskType, payload), opts...)
		return err
	}
	if err = put(); !errors.Is(err, asynq.ErrTaskIDConflict) {
		return "new", err
	}
	info, err := c.lookUp(ctx, queue, job.ID())
	if err != nil {
		return "duplicate", err
	}
	if info != nil && info.State == asynq.TaskStateScheduled && info.NextProcessAt.Sub(at) > time.Second && !at.After(time.Now()) {
		err = c.inspector.RunTask(queue, job.ID()) // it is wanted now
		if errors.Is(err, asynq.ErrTaskNotFound) {
			err = nil // it has begun meanwhile
		}
		return "rescheduled", err
	}
	cleared, err := c.clearDead(queue, info)
	if err == nil && !cleared {
		cleared, err = c.clearLost(ctx, queue, job.ID())
	}
	if err != nil || !cleared {
		return "duplicate", err
	}
	c.log.WarnContext(ctx, "job would never have run, it is queued again", "recording", job.Recording.ID, "attempt", job.Attempt)
	if err = put(); errors.Is(err, asynq.ErrTaskIDConflict) {
		err = nil // another process did the same
	}
	return "requeued", err
}

// lookUp looks a task up; nil where it has ended meanwhile.
func (c *Client) lookUp(ctx context.Context, queue, id string) (*asynq.TaskInfo, error) {
	info, err := c.inspector.GetTaskInfo(queue, id)
	if errors.Is(err, asynq.ErrQueueNotFound) {
		// asynq adds the queue's name to this set once per process, and
		// not again after Redis has lost its data.
		if err = c.redis.SAdd(ctx, "asynq:queues", queue).Err(); err == nil {
			info, err = c.inspector.GetTaskInfo(queue, id)
		}
	}
	if errors.Is(err, asynq.ErrTaskNotFound) {
		return nil, nil
	}
	return info, err
}

// clearDead removes a task that asynq has given up, so that its id is
// free: asynq keeps such a task for 90 days, and the recording would not be tried for as
// long. It reports whether the id is free now.
func (c *Client) clearDead(queue string, info *asynq.TaskInfo) (bool, error) {
	switch {
	case info == nil:
		return true, nil
	case info.State != asynq.TaskStateArchived && info.State != asynq.TaskStateCompleted:
		return false, nil
	}
	if err := c.inspector.DeleteTask(queue, info.ID); err != nil && !errors.Is(err, asynq.ErrTaskNotFound) {
		return false, err
	}
	return true, nil
}

// clearLost removes a task that is in none of asynq's lists, because Redis has lost one of
// them: it will never run, and its id is taken. It reports whether the id is free now.
func (c *Client) clearLost(ctx context.Context, queue, id string) (bool, error) {
	var in []interface{ Err() error }
	_, err := c.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, list := range []string{"pending", "active"} {
			in = append(in, p.LPos(ctx, key(queue, list), id, redis.LPosArgs{}))
		}
		for _, set := range []string{"scheduled", "retry", "archived", "completed"} {
			in = append(in, p.ZScore(ctx, key(queue, set), id))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, err
	}
	for _, answer := range in {
		if !errors.Is(answer.Err(), redis.Nil) {
			return false, answer.Err()
		}
	}
	return true, c.redis.Del(ctx, key(queue, "t:"+id)).Err()
}

// Depth counts the jobs that wait, urgent or not: to be run now, or again after a
// failure of the infrastructure. Jobs scheduled for later are not counted.
func (c *Client) Depth(ctx context.Context) (int, error) {
	pipe := c.redis.Pipeline()
	var counts []*redis.IntCmd
	for _, queue := range []string{urgent, normal} {
		counts = append(counts, pipe.LLen(ctx, key(queue, "pending")), pipe.ZCard(ctx, key(queue, "retry")))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, fmt.Errorf("asking redis how many jobs wait: %w", err)
	}
	all := 0
	for _, n := range counts {
		all += int(n.Val())
	}
	return all, nil
}

// key is asynq's key of a queue's jobs in a state.
func key(queue, state string) string { return "asynq:{" + queue + "}:" + state }

// Ping reports whether Redis answers.
func (c *Client) Ping(ctx context.Context) error { return ping(ctx, c.redis) }

// Close ends the connections.
func (c *Client) Close() error { return c.redis.Close() }
