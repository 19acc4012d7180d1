package queue

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/run"
)

// health is what the server's checks of Redis found.
type health struct {
	outage *run.Outage
	up     prometheus.Gauge
}

func (h *health) check(err error) {
	h.outage.Note(err)
	h.up.Set(map[bool]float64{true: 1}[err == nil])
}

// logger passes asynq's log messages on: while Redis is away, at level debug;
// otherwise at most one in ten seconds, with the number of those skipped.
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
		if l.health.outage.Failing() || time.Since(l.last) < 10*time.Second {
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

// Error is a warning here: asynq's errors mostly say that Redis has lost a job, which the
// planner repairs.
func (l *logger) Error(args ...any) { l.pass(slog.LevelWarn, args) }

// Fatal does not end the process as asynq's own logger would.
func (l *logger) Fatal(args ...any) { l.pass(slog.LevelError, args) }
