package queue

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/redis/go-redis/v9"
)

// leases frees jobs that nobody works on. A worker holds a lease on its job and extends
// it; asynq gives a job to another worker half a minute after its lease has run out.
// A job without any lease, as after Redis lost that set alone, it never frees
// (github.com/hibiken/asynq/issues/1144), and the job's id is taken for as long. So one
// that has none at two looks is given one that has run out, and asynq does the rest.
// A worker that lives extends that as well, before asynq minds it.
type leases struct {
	redis     *redis.Client
	log       *slog.Logger
	abandoned prometheus.Gauge
	freed     prometheus.Counter
	bare      map[string][]string // jobs without a lease at the last look, by queue
}

func newLeases(r *redis.Client, log *slog.Logger, f promauto.Factory) leases {
	return leases{
		redis: r, log: log, bare: map[string][]string{},
		abandoned: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_queue_abandoned_jobs", Help: "Jobs that count as being run and that no worker holds a lease on, at the last look.",
		}),
		freed: f.NewCounter(prometheus.CounterOpts{
			Name: "fonoteka_queue_freed_jobs_total", Help: "Jobs without a lease that were made free to be run again.",
		}),
	}
}

// run looks again and again until ctx ends.
func (l *leases) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		l.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

const (
	// overdue is how long ago the lease that a job is given has run out: asynq minds
	// it 30 s after its end, so that a worker that lives, which extends its leases
	// every 5 s, has time to.
	overdue = 20 * time.Second
	// grace is how late an extension may come before a job counts as abandoned.
	grace = 10 * time.Second
	// leasesAtOnce keeps a pipeline within what a connection without a buffer takes.
	leasesAtOnce = 10
)

func (l *leases) look(ctx context.Context) {
	abandoned := 0
	for _, queue := range []string{urgent, normal} {
		n, err := l.lookAt(ctx, queue, time.Now())
		if err != nil {
			return // health tells that Redis is away, and the last count stands
		}
		abandoned += n
	}
	l.abandoned.Set(float64(abandoned))
}

// lookAt returns how many jobs of a queue nobody works on.
func (l *leases) lookAt(ctx context.Context, queue string, now time.Time) (abandoned int, err error) {
	var active *redis.StringSliceCmd
	var held *redis.ZSliceCmd
	_, err = l.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		active, held = p.LRange(ctx, key(queue, "active"), 0, -1), p.ZRangeWithScores(ctx, key(queue, "lease"), 0, -1)
		return nil
	})
	if err != nil {
		return 0, err
	}
	until := make(map[string]time.Time, len(held.Val()))
	for _, z := range held.Val() {
		if id, ok := z.Member.(string); ok {
			until[id] = time.Unix(int64(z.Score), 0)
		}
	}
	var bare, twice []string
	for _, id := range active.Val() {
		end, leased := until[id]
		if !leased || now.Sub(end) > grace {
			abandoned++
		}
		if leased {
			continue
		}
		if bare = append(bare, id); slices.Contains(l.bare[queue], id) {
			twice = append(twice, id)
		}
	}
	l.bare[queue] = bare
	gone := 0
	for some := range slices.Chunk(twice, leasesAtOnce) {
		n, err := l.free(ctx, queue, some, now)
		if err != nil {
			return 0, err
		}
		gone += n
	}
	return abandoned - gone, nil
}

// free lets asynq have jobs. Those of which nothing is known but the id are forgotten
// at once; it returns how many they were.
func (l *leases) free(ctx context.Context, queue string, ids []string, now time.Time) (gone int, err error) {
	known := make([]*redis.IntCmd, len(ids))
	_, err = l.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			known[i] = p.Exists(ctx, key(queue, "t:"+id))
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	_, err = l.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			if known[i].Val() == 0 {
				p.LRem(ctx, key(queue, "active"), 0, id)
				gone++
				continue
			}
			p.ZAddNX(ctx, key(queue, "lease"), redis.Z{Score: float64(now.Add(-overdue).Unix()), Member: id})
		}
		return nil
	})
	if err == nil {
		l.freed.Add(float64(len(ids) - gone))
		l.log.WarnContext(ctx, "jobs that nobody works on are made free", "queue", queue, "jobs", len(ids)-gone, "forgotten", gone)
	}
	return gone, err
}
