package queue

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// health logs when Redis goes and when it comes back, once each.
type health struct {
	log *slog.Logger
	up  prometheus.Gauge

	mu   sync.Mutex
	away time.Time // zero: it answers
}

func (h *health) check(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil && h.away.IsZero():
		h.away = time.Now()
		h.log.Warn("redis does not answer, waiting for it", "err", err)
	case err == nil && !h.away.IsZero():
		h.log.Info("redis answers again", "took", time.Since(h.away))
		h.away = time.Time{}
	}
	h.up.Set(map[bool]float64{true: 1}[err == nil])
}

func (h *health) isAway() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.away.IsZero()
}

// logger passes on what asynq says: while Redis is away, what it says of that
// goes to debug; otherwise one message in ten seconds, with the number of
// those that were not shown.
type logger struct {
	log    *slog.Logger
	health *health

	mu      sync.Mutex
	last    time.Time
	skipped int
}

func (l *logger) pass(level slog.Level, args []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if level > slog.LevelDebug {
		if l.health.isAway() || time.Since(l.last) < 10*time.Second {
			level = slog.LevelDebug
			l.skipped++
		} else {
			l.last = time.Now()
		}
	}
	if level > slog.LevelDebug {
		l.log.Log(context.Background(), level, "queue server", "detail", fmt.Sprint(args...), "skipped", l.skipped)
		l.skipped = 0
		return
	}
	l.log.Debug("queue server", "detail", fmt.Sprint(args...))
}

func (l *logger) Debug(args ...any) { l.pass(slog.LevelDebug, args) }
func (l *logger) Info(args ...any)  { l.pass(slog.LevelDebug, args) }
func (l *logger) Warn(args ...any)  { l.pass(slog.LevelWarn, args) }

// Error is a warning here: what asynq complains of, mostly that a job vanished
// from a Redis that lost its data, is what the planner repairs.
func (l *logger) Error(args ...any) { l.pass(slog.LevelWarn, args) }

// Fatal does not end the process as asynq's own logger would.
func (l *logger) Fatal(args ...any) { l.pass(slog.LevelError, args) }
