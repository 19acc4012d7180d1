package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// counters are what Stats reports.
type counters struct {
	attempts, acked, lost, directory atomic.Int64
	fetched, faults, notThere        atomic.Int64
}

// Stats are the counts so far.
type Stats struct {
	Attempts   int64 // POSTs begun
	Acked      int64 // POSTs answered 2xx, repetitions and directory changes included
	Lost       int64 // postings given up
	Directory  int64 // directory changes answered 2xx
	Announced  int64 // recordings whose notification was posted
	Fetched    int64 // recordings sent whole at least once
	Faults     int64 // faulty answers to downloads
	NotThere   int64 // requests for a recording that does not exist or is not announced
	Recordings int64 // recordings made up
}

// Stats may be asked while Post runs.
func (s *Sim) Stats() Stats {
	st := Stats{
		Attempts: s.count.attempts.Load(), Acked: s.count.acked.Load(), Lost: s.count.lost.Load(),
		Directory: s.count.directory.Load(), Fetched: s.count.fetched.Load(),
		Faults: s.count.faults.Load(), NotThere: s.count.notThere.Load(),
	}
	for _, c := range s.Calls() {
		for _, rec := range c.Recordings {
			st.Recordings++
			if rec.announced.Load() {
				st.Announced++
			}
		}
	}
	return st
}

// EventsURL is where notifications for a Redirect URI are posted.
func EventsURL(redirectURI string) string {
	return strings.TrimRight(redirectURI, "/") + "/events"
}

// Post posts every notification of the calls, as the options pace, disturb and
// repeat them, to {redirectURI}/events. It returns when each was answered 2xx or
// given up, with an error if one was given up or ctx ended. A nil client means
// one with as many idle connections as there are lanes.
func (s *Sim) Post(ctx context.Context, client *http.Client, redirectURI string) error {
	list := s.schedule()
	lanes := make([][]delivery, s.opts.Connections)
	for _, d := range list {
		n := d.lane % len(lanes)
		lanes[n] = append(lanes[n], d)
	}
	if client == nil {
		client = s.newClient()
		defer client.CloseIdleConnections()
	}
	s.lastAck.Store(time.Now().UnixNano())
	p := &poster{s: s, client: client, url: EventsURL(redirectURI), begin: time.Now()}
	var wg sync.WaitGroup
	for _, lane := range lanes {
		wg.Go(func() { p.run(ctx, lane) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("sim: post notifications: %w", context.Cause(ctx))
	}
	if lost := s.count.lost.Load(); lost > 0 {
		return fmt.Errorf("sim: post notifications: %d of %d were never acknowledged", lost, len(list))
	}
	return nil
}

// newClient posts without a proxy: the notifications are for this machine or a
// test's.
func (s *Sim) newClient() *http.Client {
	return &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: s.opts.Connections},
	}
}

type poster struct {
	s      *Sim
	client *http.Client
	url    string
	begin  time.Time
}

func (p *poster) run(ctx context.Context, lane []delivery) {
	for _, d := range lane {
		if !sleep(ctx, time.Until(p.begin.Add(d.at))) {
			return
		}
		p.deliver(ctx, d.note)
	}
}

// deliver posts one notification until it is answered 2xx. It gives up after
// RetryFor, and at once when nothing at all was acknowledged for so long: an
// outage must not cost RetryFor for each notification behind it.
func (p *poster) deliver(ctx context.Context, n *Notification) {
	n.posted.Store(true)
	if n.recording != nil {
		n.recording.announced.Store(true)
	}
	first, pause := time.Now(), 100*time.Millisecond
	for attempt := 1; ; attempt++ {
		err := p.try(ctx, n.Body())
		now := time.Now()
		if err == nil {
			p.acknowledged(n, now)
			return
		}
		if ctx.Err() != nil {
			return
		}
		quiet := now.Sub(time.Unix(0, p.s.lastAck.Load()))
		if p.s.opts.NoRetry || now.Sub(first) >= p.s.opts.RetryFor || quiet >= p.s.opts.RetryFor {
			p.s.count.lost.Add(1)
			p.s.opts.Logger.Warn("notification given up", slog.Int("attempt", attempt), slog.Any("err", err))
			return
		}
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, 5*time.Second)
	}
}

func (p *poster) acknowledged(n *Notification, now time.Time) {
	n.acked.Store(true)
	p.s.lastAck.Store(now.UnixNano())
	p.s.count.acked.Add(1)
	if n.directory {
		p.s.count.directory.Add(1)
	}
}

// try posts a body once. Its errors leave the address out, since the address
// holds the integration's secret.
func (p *poster) try(ctx context.Context, body []byte) error {
	p.s.count.attempts.Add(1)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("make the request: the redirect URI is not a valid address")
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("post: %w", errors.Unwrap(err)) // *url.Error would show the address
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("post: answered %s", resp.Status)
	}
	return nil
}

// sleep waits for d and says whether it was not interrupted.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
