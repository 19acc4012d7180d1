package sim

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Live makes up and posts calls until ctx ends, rate (above 0) of them a second at
// irregular distances, each as slowly as life whatever Speed says. Of the
// faults, duplicates, delays and those of downloads apply. It returns when
// every posting under way has stopped; calls that were under way are incomplete
// in the ledger.
func (s *Sim) Live(ctx context.Context, client *http.Client, redirectURI string, rate float64) {
	if client == nil {
		client = s.newClient()
		defer client.CloseIdleConnections()
	}
	s.lastAck.Store(time.Now().UnixNano())
	p := &poster{s: s, client: client, url: EventsURL(redirectURI)}
	gaps := newRand(s.opts.Seed, streamLive, 0)
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := len(s.Calls()); ; i++ {
		if !sleep(ctx, time.Duration(gaps.ExpFloat64()/rate*float64(time.Second))) {
			return
		}
		begin := time.Now()
		c := s.add(i, moment{at: begin.UTC().Truncate(time.Second)})
		wg.Go(func() { p.live(ctx, c, i, begin) })
	}
}

// live posts the notifications of one call at their moments.
func (p *poster) live(ctx context.Context, c *Call, i int, begin time.Time) {
	r := newRand(p.s.opts.Seed, streamSchedule, uint64(i)+1)
	if c.before != nil {
		for _, n := range c.before.Notifications {
			p.deliver(ctx, n)
		}
	}
	notes := c.Notifications
	if c.directory != nil {
		notes = append([]*Notification{c.directory}, notes...)
	}
	for _, n := range notes {
		late := time.Duration(0)
		if r.Float64() < p.s.opts.Faults.Delay {
			late = time.Duration(r.Float64() * float64(maxDelay))
		}
		again := !n.directory && r.Float64() < p.s.opts.Faults.Duplicate
		if !sleep(ctx, time.Until(begin.Add(n.After+late))) {
			return
		}
		p.deliver(ctx, n)
		if again {
			p.deliver(ctx, n)
		}
	}
	for _, n := range notes {
		n.body.Store(nil)
	}
}
