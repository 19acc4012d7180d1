package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// awaitReady waits until the child has its ports, and then calls probe until it
// succeeds, the child ends or ctx does. After the child has ended it is not probed:
// another process might answer on its port.
func awaitReady(ctx context.Context, c *child, probe func(*http.Client) error) error {
	select {
	case <-c.owns:
	case <-c.done:
	case <-ctx.Done():
	}
	// Of its own and without keep-alive: nothing of it stays behind, and no proxy is asked.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	for {
		select {
		case <-c.done:
			if reason := c.reason(); reason != nil {
				return reason
			}
			return errEnded
		default:
		}
		err := probe(client)
		if err == nil {
			return nil
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			return fmt.Errorf("not ready in time: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// dial says whether addr accepts a connection.
func dial(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// errEnded says that a child ended before it was ready, without a reason of its own.
var errEnded = errors.New("it ended before it was ready")
