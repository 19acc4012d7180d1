package edge

import (
	"crypto/rand"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// ProbeHeader holds the word of a probe, a request by which doctor tries the way from
// outside to this process.
const ProbeHeader = "X-Fonoteka-Probe"

const (
	probeFor    = time.Minute // how long a probe is expected
	maxProbes   = 16          // expected at once; a further one replaces the oldest
	maxSighting = 8           // requests that are noted of one
)

// Sighting is how a request of a probe arrived.
type Sighting struct {
	Proxy      bool       `json:"proxy"`      // it came through a named proxy
	Forwarded  []string   `json:"forwarded"`  // lines of X-Forwarded-For
	Source     netip.Addr `json:"source"`     // as Edge.Source has it
	Restricted bool       `json:"restricted"` // Senders are given
	MayPost    bool       `json:"may_post"`   // as Edge.AllowPost has it
}

// probe is an expected probe, by its secret word.
type probe struct {
	word  string
	until time.Time
	seen  []Sighting
}

// Expect returns a new random word. A request that has it in ProbeHeader
// within a minute is noted. This is how doctor learns how a request looks after a proxy:
// the answer to the request says nothing, so that it is no oracle for others.
func (e *Edge) Expect() (word string) {
	now := e.opts.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.probes = slices.DeleteFunc(e.probes, func(p *probe) bool { return now.After(p.until) })
	if len(e.probes) >= maxProbes {
		e.probes = slices.Delete(e.probes, 0, 1)
	}
	p := &probe{word: rand.Text(), until: now.Add(probeFor)}
	e.probes = append(e.probes, p)
	return p.word
}

// OwnProbe says whether a request is a probe that was expected, and notes it then. It
// must be called only for requests to a secret path.
func (e *Edge) OwnProbe(r *http.Request) bool {
	words := r.Header[ProbeHeader]
	if len(words) != 1 {
		return false
	}
	s := Sighting{
		Proxy: e.opts.Proxies.Contains(peer(r.RemoteAddr)), Forwarded: slices.Clone(r.Header["X-Forwarded-For"]), Source: e.Source(r),
		Restricted: len(e.opts.Senders) > 0, MayPost: e.AllowPost(r),
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.probe(words[0])
	if p == nil {
		return false
	}
	if len(p.seen) < maxSighting {
		p.seen = append(p.seen, s)
	}
	return true
}

// Sightings are the requests with a word, in the order of their arrival; none
// after its minute.
func (e *Edge) Sightings(word string) []Sighting {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.probe(word); p != nil {
		return slices.Clone(p.seen)
	}
	return nil
}

// probe finds an expected probe by its word. The caller holds the lock.
func (e *Edge) probe(word string) *probe {
	now := e.opts.Now()
	for _, p := range e.probes {
		if p.word == word && !now.After(p.until) {
			return p
		}
	}
	return nil
}
