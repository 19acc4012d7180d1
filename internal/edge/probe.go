package edge

import (
	"crypto/rand"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// ProbeHeader bears the word of a probe.
const ProbeHeader = "X-Fonoteka-Probe"

const (
	probeFor    = time.Minute // how long a probe's requests are looked out for
	maxProbes   = 16          // at once; the first makes room
	maxSighting = 8           // requests noted of one
)

// Sighting is how a request of a probe arrived.
type Sighting struct {
	Proxy      bool       `json:"proxy"`      // a named proxy brought it
	Forwarded  []string   `json:"forwarded"`  // lines of X-Forwarded-For
	Source     netip.Addr `json:"source"`     // as Edge.Source has it
	Restricted bool       `json:"restricted"` // Senders are given
	MayPost    bool       `json:"may_post"`   // as Edge.MayPost has it
}

// probe is a word that requests of this installation's own will bear.
type probe struct {
	word  string
	until time.Time
	seen  []Sighting
}

// Expect makes a word that nobody can guess. A request that bears it in ProbeHeader
// within a minute is noted. This is how doctor learns what the way through a proxy
// makes of a request: the answer tells nothing, so that it is no oracle for others.
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

// Expected says whether a request bears the word of a probe, and notes it then. It
// is to be asked of those only that know a secret path.
func (e *Edge) Expected(r *http.Request) bool {
	words := r.Header[ProbeHeader]
	if len(words) != 1 {
		return false
	}
	s := Sighting{
		Proxy: e.opts.Proxies.Contains(peer(r.RemoteAddr)), Forwarded: slices.Clone(r.Header["X-Forwarded-For"]), Source: e.Source(r),
		Restricted: len(e.opts.Senders) > 0, MayPost: e.MayPost(r),
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

// Sightings are the requests that bore a word, in the order of their arrival; none
// when its minute is over.
func (e *Edge) Sightings(word string) []Sighting {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.probe(word); p != nil {
		return slices.Clone(p.seen)
	}
	return nil
}

// probe finds one by its word. The caller holds the lock.
func (e *Edge) probe(word string) *probe {
	now := e.opts.Now()
	for _, p := range e.probes {
		if p.word == word && !now.After(p.until) {
			return p
		}
	}
	return nil
}
