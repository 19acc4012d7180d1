package warehouse_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fonoteka/internal/warehouse"
)

// Questions come in crowds, as a batch of rows sets many jobs free together.
func TestACrowdIsOneRoundAndDoesNotWaitForThoseWhoHaveGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const query = 4700 * time.Microsecond
		var rounds []int
		numbers := warehouse.NewLoader(func(_ context.Context, keys []int) (map[int]int, error) {
			rounds = append(rounds, len(keys))
			time.Sleep(query)
			out := map[int]int{}
			for _, k := range keys {
				out[k] = -k
			}
			return out, nil
		})
		// crowd asks for n keys, a millisecond apart, and says how long the last one waited.
		crowd := func(n int) (waited time.Duration) {
			var wg sync.WaitGroup
			for k := range n {
				time.Sleep(time.Millisecond)
				wg.Go(func() {
					began := time.Now()
					if got, ok, err := numbers.Load(t.Context(), k); got != -k || !ok || err != nil {
						t.Errorf("%d: %d, %v, %v", k, got, ok, err)
					}
					if k == n-1 {
						waited = time.Since(began)
					}
				})
			}
			wg.Wait()
			return waited
		}
		crowd(100)
		rounds = nil
		if waited := crowd(200); !slices.Equal(rounds, []int{200}) || waited > 60*time.Millisecond {
			t.Errorf("after a crowd 200 came in rounds of %v, and the last one waited %v", rounds, waited)
		}
		rounds = nil
		if crowd(256); !slices.Equal(rounds, []int{256}) {
			t.Errorf("256 came in rounds of %v", rounds)
		}
		// Few that come slowly are not a crowd: they wait for each other as before.
		crowd(1)
		rounds = nil
		for range 2 {
			crowd(10)
		}
		if !slices.Equal(rounds, []int{1, 4, 5, 10}) {
			t.Errorf("twice ten came in rounds of %v", rounds)
		}
		crowd(1)
		crowd(1)
		if waited := crowd(1); waited != query {
			t.Errorf("who came alone waited %v", waited)
		}
	})
}
