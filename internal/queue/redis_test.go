package queue_test

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"fonoteka/internal/testenv"
)

// redises runs a test on both kinds of Redis.
func redises(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		test(t, testenv.StartRedis(t).SocketURL())
	})
	t.Run("in process", func(t *testing.T) {
		t.Parallel()
		test(t, "redis://"+miniredis.RunT(t).Addr())
	})
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen in 30 s: %s", what)
		}
	}
}
