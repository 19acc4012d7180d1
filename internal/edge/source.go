package edge

import (
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

const (
	creditFor  = 24 * time.Hour // how long a source that knew a secret has credit
	maxSources = 8192           // told apart; more share one
	burst      = 5              // seconds' worth of a stranger's tries at once
)

// source is an address, or an IPv6 network of 64 bits, and what it is allowed.
type source struct {
	strangers int // open connections that have not shown that they know a secret
	credit    time.Time
	seen      time.Time
	tries     *rate.Limiter
}

func (e *Edge) newSource() *source {
	return &source{tries: rate.NewLimiter(rate.Limit(e.opts.StrangerRate), burst*e.opts.StrangerRate)}
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
			return e.crowd
		}
		s = e.newSource()
		e.sources[a] = s
	}
	s.seen = now
	return s
}

// sweep forgets sources that would begin anew as they are.
func (e *Edge) sweep(now time.Time) {
	e.swept = now
	for a, s := range e.sources {
		if s.strangers == 0 && s.credit.Before(now) && now.Sub(s.seen) > burst*time.Second {
			delete(e.sources, a)
		}
	}
}
