package embedded_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"fonoteka/internal/embedded"
)

// Who comes while a folder is being synced may have written into it too late
// for that sync: the next one counts, once for all of them.
func TestThoseWhoWaitShareTheNextSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		step, results := make(chan error), make(chan error, 20)
		var begun atomic.Int32
		sync := embedded.SharedSyncs(func(string) error { begun.Add(1); return <-step })
		one := func() { results <- sync("folder") }
		go one()
		synctest.Wait()
		for range 10 {
			go one()
		}
		synctest.Wait()
		step <- nil
		synctest.Wait()
		if len(results) != 1 || begun.Load() != 2 {
			t.Fatalf("after the first sync %d have returned and %d syncs begun", len(results), begun.Load())
		}
		step <- broken
		synctest.Wait()
		if len(results) != 11 || begun.Load() != 2 {
			t.Fatalf("after the second %d have returned and %d syncs begun", len(results), begun.Load())
		}
		failed := 0
		for range 11 {
			if errors.Is(<-results, broken) {
				failed++
			}
		}
		if failed != 10 {
			t.Errorf("the failure was told to %d of 10", failed)
		}
		go one()
		synctest.Wait()
		step <- nil
		if err := <-results; err != nil || begun.Load() != 3 {
			t.Errorf("later: %v, %d syncs", err, begun.Load())
		}
	})
}
