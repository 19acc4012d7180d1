package edge

import (
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

const (
	trustFor   = 24 * time.Hour // how long a source is trusted after it has authenticated itself
	maxSources = 8192           // that are tracked; further ones share the overflow source
	burst      = 5              // seconds' worth of a source's requests at once
)

// source is an address, or an IPv6 network of 64 bits, and what it is allowed.
type source struct {
	unauthenticated int // open connections that have not authenticated themselves
	trustedUntil    time.Time
	seen            time.Time
	probes          *rate.Limiter // requests to unknown paths
}

func (e *Edge) newSource() *source {
	return &source{probes: rate.NewLimiter(rate.Limit(e.opts.ProbeRate), burst*e.opts.ProbeRate)}
}

// of finds the source of an address. The caller holds the lock.
func (e *Edge) of(a netip.Addr, now time.Time) *source {
	if a.Is6() {
		p, _ := a.WithZone("").Prefix(64)
		a = p.Addr()
	}
	s := e.sources[a]
	if s == nil {
		if len(e.sources) >= maxSources && now.Sub(e.swept) > time.Second {
			e.sweep(now)
		}
		if len(e.sources) >= maxSources {
			return e.overflowSource
		}
		s = e.newSource()
		e.sources[a] = s
	}
	s.seen = now
	return s
}

// sweep removes sources whose state is that of a new one.
func (e *Edge) sweep(now time.Time) {
	e.swept = now
	for a, s := range e.sources {
		if s.unauthenticated == 0 && s.trustedUntil.Before(now) && now.Sub(s.seen) > burst*time.Second {
			delete(e.sources, a)
		}
	}
}
