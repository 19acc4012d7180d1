package seed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"fonoteka/internal/sim"
)

// poster sends a share of the calls to the redirect URI as the operator would,
// so that the installation writes their rows itself, with versions and parts as
// they come about in life. Their recordings are left out: nobody serves them.
type poster struct {
	client *http.Client
	url    string
	calls  chan [][]byte
	sent   atomic.Int64 // notifications
}

const postConnections = 16

func (s *seeder) newPoster() *poster {
	return &poster{
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: postConnections}},
		url:    strings.TrimRight(s.o.RedirectURI, "/") + "/events",
		calls:  make(chan [][]byte, postConnections),
	}
}

// posted reports whether a call belongs to the share: by its id, so that the
// same calls are posted at every run.
func (s *seeder) posted(call uint64) bool {
	return s.poster != nil && float64(call%100_000) < s.o.Posted*100_000
}

// run posts until calls is closed.
func (p *poster) run(ctx context.Context) error {
	defer p.client.CloseIdleConnections()
	group, ctx := errgroup.WithContext(ctx)
	for range postConnections {
		group.Go(func() error {
			for bodies := range p.calls {
				for _, b := range bodies {
					if err := p.post(ctx, b); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// take copies a call's notifications and hands them over.
func (p *poster) take(ctx context.Context, c *sim.HistoryCall) error {
	var bodies [][]byte
	for _, n := range c.Notes {
		if n.State != "recorded" {
			bodies = append(bodies, bytes.Clone(n.Body))
		}
	}
	select {
	case p.calls <- bodies:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// post leaves the address out of its errors: it holds the integration's secret.
func (p *poster) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("seed: the redirect URI is not a valid address")
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("seed: post a notification: %w", errors.Unwrap(err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("seed: post a notification: answered %s", resp.Status)
	}
	p.sent.Add(1)
	return nil
}
