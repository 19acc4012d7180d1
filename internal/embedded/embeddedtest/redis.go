package embeddedtest

import (
	"context"
	"fmt"
	"os"
	"testing"

	"fonoteka/internal/embedded"
	"fonoteka/internal/testenv"
)

// Redis starts the real redis-server for this test alone, without persistence
// and eviction, and returns its address and password; testenv.StartRedis gives one that
// can be killed.
func Redis(t testing.TB) (addr, password string) {
	t.Helper()
	r := testenv.StartRedis(t)
	return r.Addr(), r.Password()
}

// MiniRedis starts the embedded Redis for this test alone and returns its
// address and password.
func MiniRedis(t testing.TB) (addr, password string) {
	t.Helper()
	const secret = "test-redis"
	r, err := embedded.StartRedis(embedded.RedisOptions{Password: secret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	})
	return r.Addr(), secret
}
