package queue_test

import (
	"testing"
)

func TestRedisIsAskedWhatItDoesWhenItIsFull(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.start()
	c := client(t, s.url())
	policy, limited, err := c.Eviction(t.Context())
	if err != nil || policy != "noeviction" || limited {
		t.Errorf("%q, limited %v, %v", policy, limited, err)
	}
	s.kill()
	if _, _, err := c.Eviction(t.Context()); err == nil {
		t.Error("a Redis that is gone answers")
	}
}
