package daemon

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"fonoteka/internal/run"
)

// errTooManyGuesses: so many passwords of one source wait to be answered that this one was
// not looked at.
var errTooManyGuesses = errors.New("too many wrong passwords")

const (
	freeGuesses   = 10          // wrong passwords of one source that are answered at once
	calmAfter     = time.Minute // without a wrong one, after which a source has them again
	guessesWait   = 8           // of one source that wait for their turn, one a second; further ones are refused
	guessSources  = 4096        // that are remembered; further ones share one
	guessesPerSec = 1
)

// guesses slows down who guesses passwords. After freeGuesses wrong ones a source gets an
// answer a second, to right passwords too: else a guess that is answered at once would be
// the right one. Other sources notice nothing. Behind a proxy all have its address.
type guesses struct {
	mu      sync.Mutex
	sources map[netip.Addr]*guesser
	others  guesser // share what is remembered of them
}

// guesser is an address, or an IPv6 network of 64 bits.
type guesser struct {
	wrong int
	last  time.Time // when the last wrong one came
	turns *rate.Limiter
}

// turn counts a wrong password, and waits until a password of this source may be answered.
// It returns errTooManyGuesses where too many wait, and ctx's error where that ends.
func (g *guesses) turn(ctx context.Context, remote string, right bool) error {
	now := time.Now()
	g.mu.Lock()
	s := g.of(remote, now)
	if now.Sub(s.last) > calmAfter {
		s.wrong = 0
	}
	slow := s.wrong >= freeGuesses
	if !right {
		s.wrong, s.last = s.wrong+1, now
	}
	if !slow {
		g.mu.Unlock()
		return nil
	}
	r := s.turns.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > guessesWait*time.Second/guessesPerSec {
		r.CancelAt(now)
		g.mu.Unlock()
		return errTooManyGuesses
	}
	g.mu.Unlock()
	run.Sleep(ctx, wait)
	return ctx.Err()
}

// of finds the guesser of an address, host:port. The caller holds the lock.
func (g *guesses) of(remote string, now time.Time) *guesser {
	var at netip.Addr
	if p, err := netip.ParseAddrPort(remote); err == nil {
		at = p.Addr().Unmap().WithZone("")
	}
	if at.Is6() {
		p, _ := at.Prefix(64)
		at = p.Addr()
	}
	if s := g.sources[at]; s != nil {
		return s
	}
	if len(g.sources) >= guessSources {
		for a, s := range g.sources {
			if now.Sub(s.last) > calmAfter {
				delete(g.sources, a)
			}
		}
	}
	s := &g.others
	if len(g.sources) < guessSources {
		s = &guesser{}
		if g.sources == nil {
			g.sources = map[netip.Addr]*guesser{}
		}
		g.sources[at] = s
	}
	if s.turns == nil {
		s.turns = rate.NewLimiter(guessesPerSec, 1)
	}
	return s
}

// tooManyGuesses answers what was not looked at.
func tooManyGuesses(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "60")
	http.Error(w, "too many wrong passwords came from this address: wait a minute", http.StatusTooManyRequests)
}
