// Package intake takes the operator's notifications over HTTP: a POST is
// answered 200 when, and only when, its raw body is durable in the spool.
//
// Each notification is sent once and has neither signature nor id; the sender is
// authenticated by the path alone, which holds a secret. So this package
// does not decode bodies, which could fail, keeps every non-empty one whatever its
// headers say, and leaves decoding to the readers of the spool.
//
// Paths are matched by hand, on the path as it was sent: http.ServeMux would
// clean it and answer by a redirect, which shows a stranger which paths exist.
// All other paths get the same answer, whether or not they once existed.
package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/run"
	"fonoteka/internal/spool"
)

// Integration is one Redirect URI at the operator.
type Integration struct {
	Name string // as in the rows and metrics; no secret
	Path string // of the Redirect URI, escaped as it is sent; "" or "/": the whole origin's own

	// PreviousPath is the former path of the Redirect URI, which is also served until
	// PreviousUntil. Empty: there was none.
	PreviousPath  string
	PreviousUntil time.Time
}

// Guard decides what a request may do, by its source. *edge.Edge is one.
type Guard interface {
	AllowPost(*http.Request) bool    // whether a notification may be kept
	AllowProbe(*http.Request) bool   // whether the body of a request to an unknown path may be examined
	MarkAuthenticated(*http.Request) // its sender knows a secret path
	// OwnProbe says whether the request is a probe of this installation itself, by which
	// doctor tries the way from outside. It is called once for each request to a secret
	// path.
	OwnProbe(*http.Request) bool
}

// Options of a Handler. Integrations and Append are required.
type Options struct {
	Integrations []Integration

	// Append makes a record durable before it returns nil, and does not use the
	// body after it has returned: spool.Spool's Append.
	Append func(context.Context, spool.Record) (uint64, error)

	// OAuth, if set, answers a GET of a Redirect URI with "code" or "error" in
	// its query, and with "login": its own page afterwards. IntegrationOf tells it
	// which one.
	OAuth http.Handler

	Guard Guard // nil: everything is allowed
	// OriginEvents names the integration whose notifications are also taken at
	// the origin's /events, which is no secret: only the Guard keeps other senders out.
	OriginEvents string

	MaxBody int64 // bytes; longer ones are kept in part and answered 413; 0: 1 MiB

	Now        func() time.Time      // nil: time.Now
	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: not registered
}

func (o *Options) validate() error {
	var errs []error
	if o.Append == nil {
		errs = append(errs, errors.New("no spool given"))
	}
	if len(o.Integrations) == 0 {
		errs = append(errs, errors.New("no integration given"))
	}
	names := make(map[string]bool)
	for _, in := range o.Integrations {
		if in.Name == "" || names[in.Name] {
			errs = append(errs, fmt.Errorf("integration %q: names must be given and differ", in.Name))
		}
		names[in.Name] = true
		for _, path := range []string{in.Path, in.PreviousPath} {
			if path != "" && path[0] != '/' || strings.ContainsAny(path, "?# ") {
				errs = append(errs, fmt.Errorf("integration %q: the path of its redirect URI must begin with a slash and have no query", in.Name))
			}
		}
		if (in.PreviousPath == "") != in.PreviousUntil.IsZero() {
			errs = append(errs, fmt.Errorf("integration %q: a previous path and the time when it ends belong together", in.Name))
		}
	}
	if o.OriginEvents != "" && (o.Guard == nil || !names[o.OriginEvents]) {
		errs = append(errs, errors.New("the origin's /events needs an integration that it is for, and a guard that keeps strangers out"))
	}
	if o.MaxBody < 0 {
		errs = append(errs, errors.New("a negative limit for bodies"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("intake: %w", err)
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Log = run.Log(o.Log)
	if o.Guard == nil {
		o.Guard = allowAll{}
	}
	return nil
}

// allowAll is the Guard that allows everything.
type allowAll struct{}

func (allowAll) AllowPost(*http.Request) bool    { return true }
func (allowAll) AllowProbe(*http.Request) bool   { return true }
func (allowAll) MarkAuthenticated(*http.Request) {}
func (allowAll) OwnProbe(*http.Request) bool     { return false }

// Handler is the public listener's handler.
type Handler struct {
	opts    Options
	paths   []path
	metrics *metrics
	buffers sync.Pool     // of *[]byte
	large   chan struct{} // semaphore for long bodies that are being read
	probes  chan struct{} // semaphore for bodies to unknown paths that are examined

	misdirected, foreign, former, panics run.LogLimit
}

// New makes a handler. It fails on options that contradict each other, two
// integrations on one path among them.
func New(opts Options) (*Handler, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	h := &Handler{
		opts: opts, large: make(chan struct{}, largeAtOnce), probes: make(chan struct{}, probesAtOnce),
		misdirected: run.LogLimit{Every: time.Minute}, foreign: run.LogLimit{Every: time.Minute}, former: run.LogLimit{Every: time.Hour}, panics: run.LogLimit{Every: time.Minute},
	}
	h.buffers.New = func() any { b := make([]byte, 0, 4<<10); return &b }
	for i, in := range opts.Integrations {
		if err := h.addPaths(i, in.Path, time.Time{}); err != nil {
			return nil, err
		}
		if in.PreviousPath != "" {
			if err := h.addPaths(i, in.PreviousPath, in.PreviousUntil); err != nil {
				return nil, err
			}
		}
	}
	h.addOrigin()
	h.metrics = newMetrics(opts.Integrations, opts.Registerer)
	return h, nil
}

// NewServer makes a server with the limits a public listener needs: a sender may
// take 5 s for its headers and 20 s for all it has to say.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:                      h,
		ReadHeaderTimeout:            5 * time.Second,
		ReadTimeout:                  20 * time.Second,
		WriteTimeout:                 30 * time.Second,
		IdleTimeout:                  2 * time.Minute,
		MaxHeaderBytes:               16 << 10,
		DisableGeneralOptionsHandler: true, // "OPTIONS *" is a path like any other
	}
	if log != nil {
		s.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	}
	return s
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.recovered(w)
	p, ok := h.match(r.URL.EscapedPath())
	own := false
	switch {
	case !ok, p.origin && (r.Method != http.MethodPost || !h.opts.Guard.AllowPost(r)):
		h.unknownPath(w, r)
		return
	case p.origin:
	default:
		h.opts.Guard.MarkAuthenticated(r)
		own = h.opts.Guard.OwnProbe(r)
	}
	if !p.until.IsZero() {
		h.warnFormer(p)
	}
	switch r.Method {
	case http.MethodPost:
		if !h.opts.Guard.AllowPost(r) {
			h.refuseForeign(w, p, own)
			return
		}
		h.take(w, r, p.integration)
	case http.MethodGet, http.MethodHead:
		h.greet(w, r, p)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		h.answer(w, method, http.StatusMethodNotAllowed, "this address takes notifications by POST")
	}
}

// recovered answers 500 for a panic, so that the sender sees a failure, and logs the
// stack. The value may hold parts of the request, so only its type is logged.
func (h *Handler) recovered(w http.ResponseWriter) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // recover gives the very value that was panicked with
		panic(v) // means that the connection is to be cut
	}
	if skipped, ok := h.panics.Allow(h.opts.Now()); ok {
		h.opts.Log.Error("panic while a request was answered", "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()), "not_logged", skipped)
	}
	w.Header().Set("Connection", "close")
	h.answer(w, panicked, http.StatusInternalServerError, "failed, try again later")
}

// greet answers the operator's check that the server is there, and OAuth.
func (h *Handler) greet(w http.ResponseWriter, r *http.Request, p path) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer") // the path is a secret
	if r.Method == http.MethodGet && !p.events && h.opts.OAuth != nil {
		if q := r.URL.Query(); q.Has("code") || q.Has("error") || q.Has("login") {
			h.metrics.outcome[oauth].Inc()
			name := h.opts.Integrations[p.integration].Name
			h.opts.OAuth.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), integrationKey{}, name)))
			return
		}
	}
	h.answer(w, greeted, http.StatusOK, "Fonoteka is here and takes notifications.")
}

type integrationKey struct{}

// IntegrationOf returns the name of the integration whose Redirect URI an OAuth
// request came to.
func IntegrationOf(r *http.Request) string {
	name, _ := r.Context().Value(integrationKey{}).(string)
	return name
}

// answer counts an outcome and writes a line of text.
func (h *Handler) answer(w http.ResponseWriter, o outcome, status int, text string) {
	h.metrics.outcome[o].Inc()
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // an error means that the client is gone
}
