package archive

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"fonoteka/internal/call"
	"fonoteka/internal/queue"
)

// SubmitterOptions of a Submitter. Queue is required.
type SubmitterOptions struct {
	Queue Queue
	// Depth counts the jobs that wait. nil: everything goes into the queue.
	Depth func(ctx context.Context) (int, error)
	// Deep is the depth from which on a recording is left to the planner; default
	// 250, most of its window.
	Deep int
	// Backlog reports whether the planner has more than it can bring in at once;
	// then everything is left to it. nil: it has not.
	Backlog func() bool
	// CatalogueWorks reports whether the planner can do its part. nil: it can.
	CatalogueWorks func() bool
	Registerer     prometheus.Registerer
	Now            func() time.Time // default time.Now
}

// Submitter asks for the first try of recordings that were just announced. It
// spares them the planner's round, and lets them be archived while the catalogue
// is out. In a backlog it stands back: the queue then belongs to the planner,
// which brings in what expires first, and these are in the catalogue as well.
type Submitter struct {
	opts      SubmitterOptions
	left      prometheus.Counter
	deepUntil atomic.Int64 // unix nanoseconds
}

// deepFor is how long a deep queue is believed to stay so: asking Redis for each
// of thousands of announcements took as long as working them off.
const deepFor = 100 * time.Millisecond

// NewSubmitter makes a Submitter.
func NewSubmitter(o SubmitterOptions) (*Submitter, error) {
	if o.Queue == nil {
		return nil, errors.New("archive: a submitter needs a queue")
	}
	if o.Deep <= 0 {
		o.Deep = 250
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Submitter{opts: o, left: promauto.With(o.Registerer).NewCounter(prometheus.CounterOpts{
		Name: "fonoteka_archive_left_to_planner_total", Help: "Announced recordings that met a deep queue and wait for the planner.",
	})}, nil
}

// Submit puts recordings into the queue that the planner would choose, so that
// each is one job there. When it returns nil, each is in the queue, or the
// planner brings it when its turn comes.
func (s *Submitter) Submit(ctx context.Context, recordings ...call.Recording) error {
	for _, r := range recordings {
		if deep, err := s.deep(ctx); err != nil {
			return err
		} else if deep {
			s.left.Inc()
			continue
		}
		if err := s.opts.Queue.Enqueue(ctx, queue.Job{Recording: r}, queue.Options{Urgent: Urgent(r.ExpiresAt, s.opts.Now())}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Submitter) deep(ctx context.Context) (bool, error) {
	if s.opts.CatalogueWorks != nil && !s.opts.CatalogueWorks() {
		return false, nil
	}
	if s.opts.Backlog != nil && s.opts.Backlog() {
		return true, nil
	}
	if s.opts.Depth == nil {
		return false, nil
	}
	if now := time.Now().UnixNano(); now < s.deepUntil.Load() {
		return true, nil
	}
	n, err := s.opts.Depth(ctx)
	if n >= s.opts.Deep && err == nil {
		s.deepUntil.Store(time.Now().Add(deepFor).UnixNano())
	}
	return n >= s.opts.Deep, err
}
