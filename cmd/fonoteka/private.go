package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"fonoteka/internal/printable"
)

// check is one thing that /readyz asks.
type check struct {
	name string
	ask  func(context.Context) error
}

// private is the handler of the private listener: metrics and health, recordings
// to listen to, and what a command beside the running process may ask of it.
func private(reg *prometheus.Registry, alive check, ready []check, token string, refused func(context.Context), replay, rebuild, probe http.HandlerFunc, listen http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg}))
	mux.Handle("GET /healthz", health([]check{alive}))
	mux.Handle("GET /readyz", health(append([]check{alive}, ready...)))
	mux.Handle("GET /recordings/{id}", listen)
	mux.Handle("POST /admin/replay", withToken(token, refused, replay))
	mux.Handle("POST /admin/rebuild", withToken(token, refused, rebuild))
	mux.Handle("POST "+probePath, withToken(token, refused, probe))
	return mux
}

// privateServer has no limit for a whole answer: a rebuild takes as long as it takes.
func privateServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError),
	}
}

// health answers 200 where every check passes, else 503, a line for each.
func health(checks []check) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		status, lines := http.StatusOK, make([]string, len(checks))
		for i, c := range checks {
			lines[i] = c.name + ": ok"
			if err := c.ask(ctx); err != nil {
				status, lines[i] = http.StatusServiceUnavailable, c.name+": "+printable.Quote(err.Error())
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		fmt.Fprintln(w, strings.Join(lines, "\n"))
	}
}

// withToken lets in who can read the installation's secrets.
func withToken(token string, refused func(context.Context), next http.HandlerFunc) http.HandlerFunc {
	want := sha256.Sum256([]byte("Bearer " + token))
	return func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
			refused(r.Context())
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

// rewound answers a request to replay the spool.
type rewound struct {
	Cursor string `json:"cursor"`
	First  uint64 `json:"first"` // the first record to be relayed again
	Last   uint64 `json:"last"`  // the newest now; below First: none
}

// replayed is the progress of replaying what was rejected.
type replayed struct {
	Taken int    `json:"taken"`
	Still int    `json:"still"`
	Error string `json:"error,omitempty"`
}

// resent is the progress of relaying what can be read in a folder with a spool.
type resent struct {
	Sent     uint64 `json:"sent"`
	Readable uint64 `json:"readable"`
	Missing  uint64 `json:"missing"` // not readable, of those that it is known to have held
	Error    string `json:"error,omitempty"`
}

// replayHandler answers in JSON, one object a line: with ?spool=FOLDER the
// progress with that folder, with ?from=TIME alone where the cursors stand now,
// without either the progress with the rejected rows.
func replayHandler(rewind func(context.Context, time.Time) ([]rewound, error), rejected func(context.Context, func(taken, still int)) error, resend func(context.Context, string, time.Time, func(resent)) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		enc := json.NewEncoder(w)
		if r.URL.Query().Has("spool") {
			answerResend(w, r, resend)
			return
		}
		if !r.URL.Query().Has("from") {
			var last replayed
			err := rejected(r.Context(), func(taken, still int) {
				last = replayed{Taken: taken, Still: still}
				_ = enc.Encode(last)
				_ = http.NewResponseController(w).Flush()
			})
			if err != nil {
				last.Error = err.Error()
				_ = enc.Encode(last)
			}
			return
		}
		from, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("from"))
		if err != nil {
			http.Error(w, "from is not a time in RFC 3339", http.StatusBadRequest)
			return
		}
		done, err := rewind(r.Context(), from)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		for _, d := range done {
			_ = enc.Encode(d)
		}
	}
}

func answerResend(w http.ResponseWriter, r *http.Request, resend func(context.Context, string, time.Time, func(resent)) error) {
	var since time.Time
	if from := r.URL.Query().Get("from"); from != "" {
		var err error
		if since, err = time.Parse(time.RFC3339Nano, from); err != nil {
			http.Error(w, "from is not a time in RFC 3339", http.StatusBadRequest)
			return
		}
	}
	enc := json.NewEncoder(w)
	var last resent
	err := resend(r.Context(), r.URL.Query().Get("spool"), since, func(n resent) {
		last = n
		_ = enc.Encode(n)
		_ = http.NewResponseController(w).Flush()
	})
	if err != nil {
		last.Error = err.Error()
		_ = enc.Encode(last)
	}
}
