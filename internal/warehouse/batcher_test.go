package warehouse_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fonoteka/internal/warehouse"
)

// Ten rows come, a millisecond apart.
func TestWriterWaitsForMoreOnlyWhileTheyCome(t *testing.T) {
	for _, c := range []struct {
		before, rows int // of the batch before, and of this one
		took         time.Duration
	}{
		{1, 1, 0},                        // who comes alone does not wait
		{10, 10, 500 * time.Millisecond}, // there may be others, if slowly
		{100, 10, 59 * time.Millisecond}, // the end of a backlog
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			w := warehouse.NewBatcher[int](nil, nil)
			var callers sync.WaitGroup
			defer callers.Wait()
			defer cancel() // nobody answers them
			began := time.Now()
			for i := range 10 {
				callers.Go(func() {
					time.Sleep(time.Duration(i) * time.Millisecond)
					_ = w.Write(ctx, i)
				})
			}
			if rows, took := w.GatherAfter(ctx, c.before), time.Since(began); rows != c.rows || took != c.took {
				t.Errorf("after a batch of %d: %d rows, %v, not %d, %v", c.before, rows, took, c.rows, c.took)
			}
		})
	}
}
