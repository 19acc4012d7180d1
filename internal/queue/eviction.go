package queue

import (
	"context"
	"fmt"
	"strings"
)

// Eviction returns what Redis does when its memory is full, in its own words,
// and whether its memory has a limit at all. Anything but "noeviction" lets
// jobs vanish; the planner brings them back, late. policy is empty where this
// Redis does not say.
func (c *Client) Eviction(ctx context.Context) (policy string, limited bool, err error) {
	info, err := c.redis.Info(ctx, "memory").Result()
	if err != nil {
		return "", false, fmt.Errorf("asking redis about its memory: %w", err)
	}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "maxmemory_policy":
			policy = value
		case "maxmemory":
			limited = value != "0"
		}
	}
	return policy, limited, nil
}
