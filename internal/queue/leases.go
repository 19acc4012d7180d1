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

// leases frees jobs that no worker is working on. A worker holds a lease on its job and
// extends it; asynq gives a job to another worker half a minute after its lease has expired.
// A job without any lease, because Redis has lost that set alone, is never freed
// (github.com/hibiken/asynq/issues/1144), and its id stays taken. So a job
// that has none at two successive checks is given an expired one, and asynq does the rest.
// If its worker is alive after all, it extends that lease in time.
type leases struct {
	redis     *redis.Client
	log       *slog.Logger
	abandoned prometheus.Gauge
	freed     prometheus.Counter
	unleased  map[string][]string // jobs without a lease at the last check, by queue
}

func newLeases(r *redis.Client, log *slog.Logger, f promauto.Factory) leases {
	return leases{
		redis: r, log: log, unleased: map[string][]string{},
		abandoned: f.NewGauge(prometheus.GaugeOpts{
			Name: "fonoteka_queue_abandoned_jobs", Help: "Jobs that count as being run and that no worker holds a lease on, at the last check.",
		}),
		freed: f.NewCounter(prometheus.CounterOpts{
			Name: "fonoteka_queue_freed_jobs_total", Help: "Jobs without a lease that were made free to be run again.",
		}),
	}
}

// run checks repeatedly until ctx ends.
func (l *leases) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		l.check(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

const (
	// overdue is how long ago the lease that a job is given has expired: asynq acts
	// 30 s after the expiry, so that a living worker, which extends its leases
	// every 5 s, has time to.
	overdue = 20 * time.Second
	// grace is how late an extension may come before a job counts as abandoned.
	grace = 10 * time.Second
	// leasesAtOnce keeps a pipeline within the limit of Dialer.
	leasesAtOnce = 10
)

func (l *leases) check(ctx context.Context) {
	abandoned := 0
	for _, queue := range []string{urgent, normal} {
		n, err := l.checkQueue(ctx, queue, time.Now())
		if err != nil {
			return // health reports that Redis is away; the last count stays
		}
		abandoned += n
	}
	l.abandoned.Set(float64(abandoned))
}

// checkQueue returns how many jobs of a queue no worker is working on.
func (l *leases) checkQueue(ctx context.Context, queue string, now time.Time) (abandoned int, err error) {
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
	var unleased, twice []string
	for _, id := range active.Val() {
		end, leased := until[id]
		if !leased || now.Sub(end) > grace {
			abandoned++
		}
		if leased {
			continue
		}
		if unleased = append(unleased, id); slices.Contains(l.unleased[queue], id) {
			twice = append(twice, id)
		}
	}
	l.unleased[queue] = unleased
	forgotten := 0
	for some := range slices.Chunk(twice, leasesAtOnce) {
		n, err := l.free(ctx, queue, some, now)
		if err != nil {
			return 0, err
		}
		forgotten += n
	}
	return abandoned - forgotten, nil
}

// free gives jobs an expired lease. Those of which Redis has nothing but the id are
// removed; it returns how many they were.
func (l *leases) free(ctx context.Context, queue string, ids []string, now time.Time) (forgotten int, err error) {
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
				forgotten++
				continue
			}
			p.ZAddNX(ctx, key(queue, "lease"), redis.Z{Score: float64(now.Add(-overdue).Unix()), Member: id})
		}
		return nil
	})
	if err == nil {
		l.freed.Add(float64(len(ids) - forgotten))
		l.log.WarnContext(ctx, "abandoned jobs are freed", "queue", queue, "jobs", len(ids)-forgotten, "forgotten", forgotten)
	}
	return forgotten, err
}
