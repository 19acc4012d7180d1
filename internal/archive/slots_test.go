package archive_test

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/archive"
)

// withSlots runs a test in a bubble that can end only when each goroutine has.
func withSlots(t *testing.T, n int, test func(t *testing.T, do func(context.Context, func()) error)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := archive.NewSlots(n)
		test(t, func(ctx context.Context, f func()) error { return archive.Do(p, ctx, false, f) })
		time.Sleep(archive.SlotIdle)
	})
}

func TestNoMoreJobsAtOnceThanPlaces(t *testing.T) {
	withSlots(t, 3, func(t *testing.T, do func(context.Context, func()) error) {
		var now, most atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				err := do(t.Context(), func() {
					if n := now.Add(1); n > most.Load() {
						most.Store(n)
					}
					time.Sleep(time.Second)
					now.Add(-1)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		begin := time.Now()
		all.Wait()
		if most.Load() != 3 || time.Since(begin) != 17*time.Second {
			t.Errorf("%d at once, %s in all; want 3 and 17 s", most.Load(), time.Since(begin))
		}
	})
}

func TestWaitingForAPlaceEndsWithTheContext(t *testing.T) {
	withSlots(t, 1, func(t *testing.T, do func(context.Context, func()) error) {
		free := make(chan struct{})
		go func() { _ = do(t.Context(), func() { <-free }) }()
		synctest.Wait()
		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error)
		go func() { ended <- do(ctx, func() { t.Error("it ran") }) }()
		synctest.Wait()
		cancel(why)
		if err := <-ended; !errors.Is(err, why) {
			t.Errorf("error %v, want the cause", err)
		}
		close(free)
	})
}

func TestWhatIsUrgentGetsTheNextPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := archive.NewSlots(1)
		var order []string
		var all sync.WaitGroup
		for i, name := range []string{"first", "a", "b", "urgent 1", "c", "gone", "urgent 2"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if name == "gone" {
				ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
			}
			all.Go(func() {
				defer cancel()
				_ = archive.Do(p, ctx, i > 2 && name != "c", func() {
					time.Sleep(time.Second)
					order = append(order, name)
				})
			})
			synctest.Wait()
		}
		all.Wait()
		if diff := cmp.Diff([]string{"first", "urgent 1", "urgent 2", "a", "b", "c"}, order); diff != "" {
			t.Error(diff)
		}
		time.Sleep(archive.SlotIdle)
	})
}

func TestWhoHasEndedGetsNoPlace(t *testing.T) {
	withSlots(t, 1, func(t *testing.T, do func(context.Context, func()) error) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := do(ctx, func() { t.Error("it ran") }); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestAPlacesGoroutineGoesFromJobToJob(t *testing.T) {
	withSlots(t, 2, func(t *testing.T, do func(context.Context, func()) error) {
		goroutines := map[string]bool{}
		for range 10 {
			if err := do(t.Context(), func() {
				name, _, _ := strings.Cut(string(debug.Stack()), " [")
				goroutines[name] = true
			}); err != nil {
				t.Error(err)
			}
			synctest.Wait() // it looks for the next
		}
		if len(goroutines) != 1 {
			t.Errorf("ten jobs one after the other ran on %d goroutines: %v", len(goroutines), goroutines)
		}
	})
}

// A job that panics ends by itself, where its queue can see it, and costs no place.
func TestAPanicIsItsJobs(t *testing.T) {
	withSlots(t, 1, func(t *testing.T, do func(context.Context, func()) error) {
		var got any
		func() {
			defer func() { got = recover() }()
			_ = do(t.Context(), func() { panic("no such file") })
		}()
		if text, _ := got.(string); !strings.HasPrefix(text, "no such file\n") || !strings.Contains(text, "TestAPanicIsItsJobs") {
			t.Errorf("recovered %v, want the panic and where it was", got)
		}
		ran := false
		if err := do(t.Context(), func() { ran = true }); err != nil || !ran {
			t.Errorf("the next job: ran %t, %v", ran, err)
		}
	})
}

// A test's fake ends its goroutine, and so its test.
func TestAJobThatEndsItsGoroutineHasNoResult(t *testing.T) {
	withSlots(t, 1, func(t *testing.T, do func(context.Context, func()) error) {
		var caller sync.WaitGroup
		caller.Go(func() {
			err := do(t.Context(), runtime.Goexit)
			t.Errorf("it returned %v", err)
		})
		caller.Wait()
		if err := do(t.Context(), func() {}); err != nil {
			t.Error(err)
		}
	})
}
