package sim

import (
	"context"
	"io"
	"net/http"
)

// Probed is one request of the operator's check and what came back.
type Probed struct {
	Request string `json:"request"` // without the address, which holds a secret
	Status  int    `json:"status"`  // 0: no answer
	OK      bool   `json:"ok"`      // 2xx
}

// Probe checks that the listener answers, as the operator does in the step that
// makes an integration's id and secret: GET and HEAD of the redirect URI, and a
// post without a body to its /events.
func (p *Platform) Probe(ctx context.Context) []Probed {
	uri := p.redirectURI()
	var out []Probed
	for _, q := range []struct{ name, method, address string }{
		{"GET redirect URI", http.MethodGet, uri},
		{"HEAD redirect URI", http.MethodHead, uri},
		{"POST events, empty", http.MethodPost, EventsURL(uri)},
	} {
		status := p.probe(ctx, q.method, q.address)
		out = append(out, Probed{q.name, status, status/100 == 2})
	}
	return out
}

func (p *Platform) probe(ctx context.Context, method, address string) int {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return 0
	}
	resp, err := p.opts.Client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	return resp.StatusCode
}
