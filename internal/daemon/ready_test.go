package daemon

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitingForAStoreIsSaidAfterSecondsAndThenEachMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said []time.Duration
		began := time.Now()
		r := &readiness{log: slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
			said = append(said, time.Since(began))
			return len(b), nil
		}), nil))}
		var fault atomic.Pointer[error]
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		r.insist(ctx, "try", time.Minute, &fault, func(context.Context) error {
			time.Sleep(3 * time.Second) // a slow failure is one too
			return errors.New("out")
		})
		if len(said) != 3 {
			t.Fatalf("said at %v", said)
		}
		for i, at := range said {
			if want := 5*time.Second + time.Duration(i)*time.Minute; at < want || at > want+15*time.Second {
				t.Errorf("said at %v", said)
			}
		}
		if why := fault.Load(); why == nil || (*why).Error() != "out" {
			t.Error("the reason is not kept")
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
