package fetch

import (
	"context"
	"net"
	"net/http"
	"net/url"

	"fonoteka/internal/call"
)

// Public lets tests name addresses that no test could have a server at.
var Public = public

// NewThrottle and Wait are the bandwidth's limit by itself.
var (
	NewThrottle = newThrottle
	Wait        = (*throttle).wait
)

// ContentRange and Validator read headers of answers.
var (
	ContentRange = contentRange
	Validator    = validator
)

// Resolve is where a link leads to.
func Resolve(h Hosts, link string) (*url.URL, error) {
	u, err := call.ParseLink(link)
	if err != nil {
		return nil, err
	}
	return h.resolve(u)
}

// DialTo has a fetcher connect to one address, whatever it means to connect to: no
// test has a server at a public address.
func (f *Fetcher) DialTo(addr string) {
	f.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}
