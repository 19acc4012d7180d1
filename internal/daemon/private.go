package daemon

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"fonoteka/internal/admin"
	"fonoteka/internal/printable"
)

// check is one thing that /readyz asks.
type check struct {
	name string
	ask  func(context.Context) error
}

// private is the handler of the private listener: metrics and health, recordings
// to listen to, and what a command beside the running process may ask of it.
func private(reg *prometheus.Registry, alive check, ready []check, token string, judge func(*http.Request, bool) error, replay, rebuild, probe http.HandlerFunc, listen http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg}))
	mux.Handle("GET /healthz", health([]check{alive}))
	mux.Handle("GET /readyz", health(append([]check{alive}, ready...)))
	mux.Handle("GET /recordings/{id}", listen)
	mux.Handle("POST /admin/replay", withToken(token, judge, replay))
	mux.Handle("POST /admin/rebuild", withToken(token, judge, rebuild))
	mux.Handle("POST "+admin.ProbePath, withToken(token, judge, probe))
	return mux
}

// maxPrivateHeader is the longest head of a request, bytes: a browser sends with it the
// cookies of all that runs on the same host.
const maxPrivateHeader = 64 << 10

// privateServer has no limit for a whole answer: a rebuild takes as long as it takes.
func privateServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxPrivateHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError),
	}
}

// health answers 200 where every check passes, else 503, a line for each. The checks run
// side by side: one store that does not answer takes no time from the others.
func health(checks []check) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		errs := make([]error, len(checks))
		var all sync.WaitGroup
		for i, c := range checks {
			all.Go(func() { errs[i] = c.ask(ctx) })
		}
		all.Wait()
		status, lines := http.StatusOK, make([]string, len(checks))
		for i, c := range checks {
			lines[i] = c.name + ": ok"
			if errs[i] != nil {
				status, lines[i] = http.StatusServiceUnavailable, c.name+": "+printable.Quote(errs[i].Error())
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		fmt.Fprintln(w, strings.Join(lines, "\n"))
	}
}

// withToken lets in who can read the installation's secrets.
func withToken(token string, judge func(*http.Request, bool) error, next http.HandlerFunc) http.HandlerFunc {
	want := sha256.Sum256([]byte("Bearer " + token))
	return func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		right := subtle.ConstantTimeCompare(want[:], got[:]) == 1
		if err := judge(r, right); err != nil {
			tooManyGuesses(w)
			return
		}
		if !right {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}
