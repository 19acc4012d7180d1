package embedded_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"fonoteka/internal/embedded"
)

func startRedis(t *testing.T) (*embedded.Redis, *redis.Client) {
	t.Helper()
	r, err := embedded.StartRedis(embedded.RedisOptions{Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Stop(context.Background()) })
	c := redis.NewClient(&redis.Options{Addr: r.Addr(), Password: "secret"})
	t.Cleanup(func() { _ = c.Close() })
	return r, c
}

func TestRedisExpiresKeysInRealTime(t *testing.T) {
	t.Parallel()
	_, c := startRedis(t)
	for _, key := range []struct {
		name string
		life time.Duration
	}{{"long", time.Hour}, {"short", time.Second}} {
		if err := c.Set(t.Context(), key.name, "1", key.life).Err(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the short key expires", func() bool { return c.Exists(t.Context(), "short").Val() == 0 })
	// The long one, which is older, has lost the second that the short one had.
	if left := c.PTTL(t.Context(), "long").Val(); left < 50*time.Minute || left > time.Hour-time.Second {
		t.Errorf("of an hour %v are left", left)
	}
	now, err := c.Time(t.Context()).Result()
	if err != nil || time.Since(now).Abs() > time.Minute {
		t.Errorf("its clock says %v (%v)", now, err)
	}
}

func TestRedisRefusesAWrongPassword(t *testing.T) {
	t.Parallel()
	r, _ := startRedis(t)
	for _, password := range []string{"", "wrong"} {
		c := redis.NewClient(&redis.Options{Addr: r.Addr(), Password: password})
		if err := c.Ping(t.Context()).Err(); err == nil {
			t.Errorf("password %q was let in", password)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRedisIsReachedFromWithinTheProcess(t *testing.T) {
	t.Parallel()
	r, tcp := startRedis(t)
	inside := func(password string) *redis.Client {
		c := redis.NewClient(&redis.Options{Password: password, Dialer: func(context.Context, string, string) (net.Conn, error) { return r.Dial() }})
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	long := strings.Repeat("x", 100_000) // more than any buffer on the way
	if err := inside("secret").Set(t.Context(), "key", long, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got := tcp.Get(t.Context(), "key").Val(); got != long {
		t.Errorf("over TCP there are %d bytes, want %d", len(got), len(long))
	}
	if got := inside("secret").Get(t.Context(), "key").Val(); got != long {
		t.Errorf("from within there are %d bytes, want %d", len(got), len(long))
	}
	if err := inside("wrong").Ping(t.Context()).Err(); err == nil {
		t.Error("a wrong password was let in")
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Dial(); err == nil {
		t.Error("a stopped Redis was reached")
	}
}

func TestRedisLeavesNothingRunning(t *testing.T) {
	before := goleak.IgnoreCurrent()
	r, c := startRedis(t)
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Dial(); err != nil { // and never closed
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.Done():
	default:
		t.Error("Done is open after Stop")
	}
	goleak.VerifyNone(t, before)
}
