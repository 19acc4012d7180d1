package queue

import (
	"context"
	"fmt"
	"strings"
)

// Eviction returns Redis' maxmemory-policy, and whether its memory has a limit at all.
// With any policy but "noeviction" jobs may be deleted; the planner queues them again,
// later. policy is empty where this Redis does not say.
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
