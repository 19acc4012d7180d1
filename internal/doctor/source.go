package doctor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"strings"
)

// Probe asks the running process how requests to it arrive. A request that bears
// the word in the header is noted by the process, and only there: its answer is the
// same as without.
type Probe struct {
	Expect    func(ctx context.Context) (header, word string, err error)
	Sightings func(ctx context.Context, word string) ([]Sighting, error)
}

// Sighting is how a request arrived at the running process.
type Sighting struct {
	Proxy      bool       `json:"proxy"`      // a proxy brought it that --trusted-proxies names
	Forwarded  []string   `json:"forwarded"`  // lines of X-Forwarded-For
	Source     netip.Addr `json:"source"`     // what it is taken to come from; invalid: not known
	Restricted bool       `json:"restricted"` // only some networks may post
	MayPost    bool       `json:"may_post"`   // it comes from one of them
}

// claim is a request that says it comes from somewhere else, in each of the ways in
// which proxies say so.
type claim struct {
	from netip.Addr // nobody's: of the networks for measurements (RFC 2544)
	own  netip.Addr // that it came from, as far as it is known here
}

func newClaim() claim {
	n := rand.Uint32()
	return claim{from: netip.AddrFrom4([4]byte{198, 18 | byte(n>>16&1), byte(n >> 8), byte(n) | 1})}
}

// request sends it, and learns where it came from.
func (c *claim) request(ctx context.Context, r Redirect, header, word string) (status int, err error) {
	transport := r.transport()
	transport.DialContext = c.dial
	claims := http.Header{"X-Forwarded-For": {c.from.String()}, "X-Real-Ip": {c.from.String()}, "Forwarded": {"for=" + c.from.String()}, header: {word}}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if p, err := netip.ParseAddrPort(i.Conn.LocalAddr().String()); err == nil {
			c.own = p.Addr().Unmap().WithZone("")
		}
	}})
	return r.ask(ctx, client(transport), http.MethodPost, r.base()+"/events", claims)
}

// dial connects to this machine itself from an address that is nobody else's: one
// that a proxy here connects from would look like the proxy's own.
func (c *claim) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	if host, _, err := net.SplitHostPort(addr); err == nil {
		all, _ := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
		if len(all) > 0 && all[0].Unmap().IsLoopback() {
			n := rand.Uint32()
			d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 64|byte(n>>16), byte(n>>8), byte(n)|1)}
		}
	}
	return d.DialContext(ctx, network, addr)
}

// forged tries whether a request can choose where it seems to come from.
func (r Redirect) forged(ctx context.Context) Finding {
	const check = "forged source"
	if r.Probe == nil {
		return Finding{Check: check, Answer: NotTried, Means: "serve does not run, and only it knows where a request seems to come from"}
	}
	header, word, err := r.Probe.Expect(ctx)
	if err != nil {
		return r.noProbe(check, err)
	}
	c := newClaim()
	status, err := c.request(ctx, r, header, word)
	if err != nil {
		return look(check, "a request with a forged X-Forwarded-For is not answered from here", "is there something in the way that refuses such a request? The operator's have no such header")
	}
	seen, err := r.Probe.Sightings(ctx, word)
	switch {
	case err != nil:
		return r.noProbe(check, err)
	case len(seen) == 0 && status/100 != 2:
		return yes(check, fmt.Sprintf("a request with a forged X-Forwarded-For does not get to serve: it is answered with %d before", status))
	case len(seen) == 0:
		return look(check, "a request to the redirect URI is answered, but not by this serve, or without its header "+header,
			"does the proxy lead to this serve? If it does, where requests seem to come from cannot be known from here")
	}
	return c.judge(check, seen[len(seen)-1])
}

func (r Redirect) noProbe(check string, err error) Finding {
	return Finding{
		Check: check, Answer: Unknown, Means: "the running serve does not say where a request seems to come from: is this doctor of another version?", Detail: err.Error(),
	}
}

const writeAnew = "have the proxy write X-Forwarded-For itself, not pass on what its client wrote " +
	"(nginx: proxy_set_header X-Forwarded-For $remote_addr; deploy/proxy has examples), or take it from --trusted-proxies"

// judge says what became of a claim.
func (c *claim) judge(check string, s Sighting) Finding {
	switch {
	case s.Source == c.from && c.told(s):
		return yes(check, "a forged X-Forwarded-For is not believed, but of this machine, whose own address is among --trusted-proxies")
	case s.Source == c.from:
		return s.finding(check, "a forged X-Forwarded-For is believed: whoever knows the redirect URI can seem to come from anywhere",
			"a forged X-Forwarded-For is believed: anybody can post from what seems to be the operator's network", writeAnew)
	case c.told(s):
		return yes(check, "a forged X-Forwarded-For is not believed: the proxy says that the request comes from "+c.own.String()+", as it does")
	case s.Proxy && !s.Source.IsValid():
		return s.finding(check, "a forged X-Forwarded-For is not believed, but the proxy does not say where requests come from: strangers have no limit by source",
			"the proxy does not say where requests come from, so that no notification is taken", writeAnew)
	case !s.Source.IsValid() && s.Restricted:
		return no(check, "no named proxy brings the request, so that where it comes from is not known, and no notification is taken",
			"name the proxy that connects from this machine (--trusted-proxies 127.0.0.1), and let the redirect URI lead to it", nil)
	case !s.Source.IsValid():
		return yes(check, "a forged X-Forwarded-For is not believed, as no named proxy (--trusted-proxies) brings it: "+
			"where requests come from is not known, and strangers have no limit by source")
	}
	return yes(check, "a forged X-Forwarded-For is not believed: the request seems to come from "+s.Source.String())
}

// finding is a No where only some networks may post, and else a thing to look at.
func (s Sighting) finding(check, open, restricted, do string) Finding {
	if s.Restricted {
		return no(check, restricted, do, nil)
	}
	return look(check, open, do)
}

// told says whether a named proxy told where the request really came from, right of
// what the request claimed.
func (c *claim) told(s Sighting) bool {
	hops := strings.Split(strings.Join(s.Forwarded, ","), ",")
	for i := range hops {
		hops[i] = strings.TrimSpace(hops[i])
	}
	claimed := slices.Index(hops, c.from.String())
	return s.Proxy && c.own.IsValid() && slices.Contains(hops[claimed+1:], c.own.String())
}
