// Package intake takes the operator's notifications over HTTP: a POST is
// answered 200 when, and only when, its raw body is durable in the spool.
//
// Notifications come once and bear neither signature nor id; that the sender is
// authentic is known only from the path, which holds a secret. So this package
// decodes nothing it could choke on, keeps every non-empty body whatever it is
// said to be, and leaves reading it to those behind the spool.
//
// Paths are matched by hand, on the path as it was sent: http.ServeMux would
// clean it and answer by a redirect, which tells a stranger which paths exist.
// Any other path gets the same answer as any path that never was.
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

	"fonoteka/internal/spool"
)

// Integration is one Redirect URI at the operator.
type Integration struct {
	Name string // as in the rows and metrics; no secret
	Path string // of the Redirect URI, escaped as it is sent; "" or "/": the whole origin's own

	// PreviousPath is what the Redirect URI's path was, and PreviousUntil when it
	// ends to be served as well. Empty: there was none.
	PreviousPath  string
	PreviousUntil time.Time
}

// Door says who may do what, by where a request comes from. internal/edge has
// one.
type Door interface {
	MayPost(*http.Request) bool // may a notification be kept?
	MayAsk(*http.Request) bool  // is a request to an unknown path worth a look?
	Knows(*http.Request)        // its sender knows a secret path
	// Expected says whether it is one of this installation's own, which tries the
	// way to itself. It is asked once of each request to a secret path.
	Expected(*http.Request) bool
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

	Door Door // nil: everybody may do everything
	// OriginEvents names the integration whose notifications are also taken at
	// the origin's /events, which is no secret: only a Door keeps strangers out.
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
	if o.OriginEvents != "" && (o.Door == nil || !names[o.OriginEvents]) {
		errs = append(errs, errors.New("the origin's /events needs an integration that it is for, and a door that keeps strangers out"))
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
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Door == nil {
		o.Door = open{}
	}
	return nil
}

// open is a Door that is no obstacle.
type open struct{}

func (open) MayPost(*http.Request) bool { return true }
func (open) MayAsk(*http.Request) bool  { return true }
func (open) Knows(*http.Request)        {}

func (open) Expected(*http.Request) bool { return false }

// Handler is the public listener's handler.
type Handler struct {
	opts    Options
	paths   []path
	metrics *metrics
	buffers sync.Pool     // of *[]byte
	large   chan struct{} // one for each long body that is being read
	looks   chan struct{} // one for each stranger's body that is looked at

	astray, foreign, former, panics limiter // of lines in the log
}

// New makes a handler. It fails on options that contradict each other, two
// integrations on one path among them.
func New(opts Options) (*Handler, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	h := &Handler{
		opts: opts, large: make(chan struct{}, largeAtOnce), looks: make(chan struct{}, looksAtOnce),
		astray: limiter{every: time.Minute}, foreign: limiter{every: time.Minute}, former: limiter{every: time.Hour}, panics: limiter{every: time.Minute},
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
	h.metrics = newMetrics(opts.Integrations)
	if err := h.metrics.register(opts.Registerer); err != nil {
		return nil, fmt.Errorf("register intake metrics: %w", err)
	}
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
	case !ok, p.origin && (r.Method != http.MethodPost || !h.opts.Door.MayPost(r)):
		h.stray(w, r)
		return
	case p.origin:
	default:
		h.opts.Door.Knows(r)
		own = h.opts.Door.Expected(r)
	}
	if !p.until.IsZero() {
		h.usedFormer(p)
	}
	switch r.Method {
	case http.MethodPost:
		if !h.opts.Door.MayPost(r) {
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

// recovered answers 500 for a panic, so that the sender sees a failure, and says
// where it was. Its value may hold what was sent, so only the type is logged.
func (h *Handler) recovered(w http.ResponseWriter) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // recover gives the very value that was panicked with
		panic(v) // means that the connection is to be cut
	}
	if skipped, ok := h.panics.allow(h.opts.Now()); ok {
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
	_, _ = w.Write([]byte(text + "\n")) // a client that is gone has no use for it
}
