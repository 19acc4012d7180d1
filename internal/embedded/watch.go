package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"time"
)

// Why a store was started again, as a metric's label.
const (
	died         = "died"          // its process ended
	notListening = "not_listening" // it refused connections
	notAnswering = "not_answering" // it, or the kernel for it, accepted them and no answer came
)

// What a probe found, as a metric's label.
const (
	answered = "answered"
	refused  = "refused"
	silent   = "silent"
)

// ProbeOptions says how a Stack finds out that a running store does not answer.
//
// The system refuses a connection to a port without a listener, however busy the machine
// is, so a few refusals in a row are enough. A missing answer may only be a sign of load,
// which a restart would increase: so it must be missing for long.
// During 32 queries of 64 threads each, on two processors that others used too,
// ClickHouse took 1.2 s at most to answer.
type ProbeOptions struct {
	Every    time.Duration // default 5 s
	Timeout  time.Duration // default 30 s: of one probe
	Refusals int           // default 3 in a row: it does not listen
	Silence  time.Duration // default 2 min without an answer: it hangs
}

func (o *ProbeOptions) setDefaults() {
	if o.Every == 0 {
		o.Every = 5 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Refusals == 0 {
		o.Refusals = 3
	}
	if o.Silence == 0 {
		o.Silence = 2 * time.Minute
	}
}

// watch returns when r has died, or must be restarted because it does not answer,
// with the reason; and when ctx ends.
func (s *Stack) watch(ctx context.Context, k *keeper, r running) (reason string, err error) {
	ticker := time.NewTicker(s.opts.Probe.Every)
	defer ticker.Stop()
	last, refusals := time.Now(), 0 // time of the last answer, and number of refusals since
	for {
		select {
		case <-ctx.Done():
			return "", nil
		case <-r.Done():
			return died, r.Err()
		case <-ticker.C:
		}
		result, err := s.probe(ctx, r)
		if ctx.Err() != nil || ended(r) {
			continue
		}
		s.probes.WithLabelValues(string(k.name), result).Inc()
		s.set(k, result == answered)
		switch result {
		case answered:
			last, refusals = time.Now(), 0
			continue
		case refused:
			refusals++
		case silent:
			refusals = 0
		}
		k.log.Warn("embedded store does not answer a probe", "err", err, "silent_for", time.Since(last).Round(time.Second))
		if refusals >= s.opts.Probe.Refusals {
			return notListening, err
		}
		if time.Since(last) >= s.opts.Probe.Silence {
			return notAnswering, err
		}
	}
}

// probe probes r once; it returns when r or ctx has ended at the latest.
func (s *Stack) probe(ctx context.Context, r running) (result string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Probe.Timeout)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- r.Probe(ctx) }()
	select {
	case err = <-answer:
	case <-r.Done():
		cancel()
		err = <-answer
	}
	switch {
	case err == nil:
		return answered, nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused, err
	}
	return silent, err
}

func ended(r running) bool {
	select {
	case <-r.Done():
		return true
	default:
		return false
	}
}

// end stops a store. One that does not answer is killed: it would
// not react to a request to stop.
func (k *keeper) end(ctx context.Context, r running, reason string) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if reason == notAnswering {
		cancel()
	}
	if err := r.Stop(ctx); err != nil && reason != notAnswering {
		k.log.Warn("embedded store did not stop cleanly", "err", err)
	}
}

// answers says whether an HTTP server on addr answers a GET, with any status.
func answers(ctx context.Context, addr, path string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return fmt.Errorf("probe %s: %w", addr, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("probe %s: %w", addr, err)
	}
	return resp.Body.Close()
}
