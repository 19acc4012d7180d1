package token

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"fonoteka/internal/run"
)

// Handler answers at the redirect URIs: it takes the code that the operator sends
// a person back with, and shows the person the outcome. of returns the keeper
// whose redirect URI a request came to, nil where there is none.
//
// It answers a code with a redirect to a page without it, so that a reload does not send
// the code again, and none stays in the browser's history.
func Handler(of func(*http.Request) *Keeper, log *slog.Logger) http.Handler {
	return &pages{of: of, log: log, failures: map[string]*run.LogLimit{}}
}

type pages struct {
	of  func(*http.Request) *Keeper
	log *slog.Logger

	mu       sync.Mutex
	failures map[string]*run.LogLimit // by integration and outcome: one does not hide another
}

// parameter of a redirect URI asks for the page about a login that came back.
const parameter = "login"

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k := p.of(r)
	if k == nil {
		http.NotFound(w, r)
		return
	}
	q := r.URL.Query()
	if !q.Has("code") && !q.Has("error") {
		show(w, k.opts.Integration, q.Get(parameter), languageOf(r.Header.Get("Accept-Language")))
		return
	}
	outcome, err := k.finish(r.Context(), q.Get("code"), q.Get("state"))
	k.metrics.logins.WithLabelValues(outcome).Inc()
	if err != nil {
		p.logFailure(k.opts.Integration, outcome, err)
	} else {
		p.log.Info("logged in", "integration", k.opts.Integration)
	}
	header(w)
	w.Header().Set("Location", "?"+parameter+"="+outcome)
	w.WriteHeader(http.StatusSeeOther)
}

// logFailure logs once a minute: whoever knows the redirect URI can make logins fail as
// often as he likes.
func (p *pages) logFailure(integration, outcome string, err error) {
	p.mu.Lock()
	limit := p.failures[integration+" "+outcome]
	if limit == nil {
		limit = &run.LogLimit{Every: time.Minute}
		p.failures[integration+" "+outcome] = limit
	}
	p.mu.Unlock()
	if skipped, ok := limit.Allow(time.Now()); ok {
		p.log.Warn("login failed", "integration", integration, "outcome", outcome, "err", err, "not_logged", skipped)
	}
}

//go:embed page.html
var source string

//go:embed page.css
var style string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"marked": marked}).Parse(source))

// marked formats text between backquotes as code.
func marked(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String()) //nolint:gosec // each part was escaped above
}

// policy forbids everything but the style of the page itself.
var policy = func() string {
	digest := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

func header(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the path is a secret
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Content-Security-Policy", policy)
}

// show writes the page. It holds only Fonoteka's own text, and nothing of the request.
func show(w http.ResponseWriter, integration, outcome string, l language) {
	t, ok := l.Outcomes[outcome]
	if !ok {
		t = l.Outcomes[outcomeForeign]
	}
	header(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", l.Lang)
	w.Header().Set("Vary", "Accept-Language")
	var b strings.Builder
	err := page.Execute(&b, struct {
		description
		language
		Integration string
		Style       template.CSS
	}{t, l, integration, template.CSS(style)}) //nolint:gosec // a constant
	if err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	_, _ = w.Write([]byte(b.String()))
}
