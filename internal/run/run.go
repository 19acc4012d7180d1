// Package run is what every long-running stage needs besides its own work: to wait
// without outliving its context (Sleep), to try again less and less often (Backoff),
// to log an outage twice, when it begins and when it is over, instead of at every try
// (Outage), and to log what a stranger causes no more than once in a while (LogLimit).
//
// Rejected: github.com/cenkalti/backoff/v5 and github.com/sethvargo/go-retry. Their
// Retry owns the loop. The loops here differ in what they do between two tries – half
// as many records, other work, a pause that survives a restart – and want neither
// jitter, as each has one server of its own, nor a limit. All that was left to take
// from them is the doubling in Backoff.Next.
package run

import (
	"context"
	"log/slog"
	"time"
)

// Sleep waits for d, or until ctx is done if that is sooner.
func Sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Log returns l, or a logger that discards everything where l is nil: the default of
// every Options.Log.
func Log(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}

// Backoff says how long to wait before each further try: First, and then twice as long
// every time, up to Max. It is not safe for concurrent use.
type Backoff struct {
	First, Max time.Duration
	next       time.Duration
}

// Next returns the pause before the next try.
func (b *Backoff) Next() time.Duration {
	pause := min(max(b.next, b.First), b.Max)
	b.next = 2 * pause
	return pause
}

// Reset makes the next pause the first one again, after a success.
func (b *Backoff) Reset() { b.next = 0 }
