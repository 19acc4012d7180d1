package queue_test

import (
	"testing"

	"fonoteka/internal/testenv"
)

func TestRedisIsAskedWhatItDoesWhenItIsFull(t *testing.T) {
	t.Parallel()
	redis := testenv.StartRedis(t)
	c := client(t, redis.SocketURL())
	policy, limited, err := c.Eviction(t.Context())
	if err != nil || policy != "noeviction" || limited {
		t.Errorf("%q, limited %v, %v", policy, limited, err)
	}
	redis.Kill()
	if _, _, err := c.Eviction(t.Context()); err == nil {
		t.Error("a Redis that is gone answers")
	}
}
