package sim

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"
)

// Request is one that the operator's side was asked.
type Request struct {
	At            time.Time `json:"at"` // on the platform's clock
	Method        string    `json:"method"`
	Path          string    `json:"path"`
	Query         string    `json:"query,omitempty"`
	ContentType   string    `json:"content_type,omitempty"`
	Authorization string    `json:"authorization,omitempty"`
	Body          string    `json:"body,omitempty"` // its first 64 KiB, secrets and all
	Status        int       `json:"status"`         // 0: the connection was cut
}

const keptRequests = 10_000

// Requests returns the latest 10,000 requests to OAuth and to the API in the
// order of their answers; those to path alone if it is not empty.
func (p *Platform) Requests(path string) []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []Request{}
	for _, r := range p.requests {
		if path == "" || r.Path == path {
			out = append(out, r)
		}
	}
	return out
}

// ForgetRequests empties the list.
func (p *Platform) ForgetRequests() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = nil
}

// Trouble is something that goes wrong with the next requests to a path.
type Trouble struct {
	Path string `json:"path"` // as in "/oauth/token", "/makeCall"; "": any
	// Kind is status (answered Status, with a page of HTML), success0 (answered
	// 200, and that it did not succeed), garbage (200 and no JSON), cut (the
	// connection ends without an answer) or slow (answered rightly after Delay).
	Kind   string        `json:"kind"`
	Status int           `json:"status,omitempty"` // default 503
	Delay  time.Duration `json:"delay,omitempty"`  // before the answer, of any kind
	Times  int           `json:"times,omitempty"`  // default 1; below 0: for ever
	// TakesEffect lets the request do its work before its answer is lost.
	TakesEffect bool `json:"takes_effect,omitempty"`
}

// Trouble orders trouble; several are taken in the order they were ordered.
func (p *Platform) Trouble(t Trouble) error {
	if !strings.Contains(" status success0 garbage cut slow ", " "+t.Kind+" ") {
		return fmt.Errorf("sim: unknown trouble %q: known are status, success0, garbage, cut, slow", t.Kind)
	}
	if t.Status == 0 {
		t.Status = http.StatusServiceUnavailable
	}
	if t.Times == 0 {
		t.Times = 1
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.troubles = append(p.troubles, &t)
	return nil
}

// NoTrouble ends all trouble.
func (p *Platform) NoTrouble() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.troubles = nil
}

func (p *Platform) nextTrouble(path string) *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.troubles {
		if t.Times != 0 && (t.Path == "" || t.Path == path) {
			t.Times--
			return t
		}
	}
	return nil
}

// watched records what is asked and answered, and lets trouble happen.
func (p *Platform) watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		r.Body = io.NopCloser(bytes.NewReader(body))
		seen := Request{
			Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, ContentType: r.Header.Get("Content-Type"),
			Authorization: r.Header.Get("Authorization"), Body: string(body[:min(len(body), 64<<10)]),
		}
		answer, cut := p.answer(next, r)
		if !cut {
			seen.Status = answer.status
		}
		p.mu.Lock()
		seen.At = p.now()
		p.requests = append(p.requests, seen)
		if len(p.requests) > keptRequests {
			p.requests = append(p.requests[:0:0], p.requests[len(p.requests)-keptRequests:]...)
		}
		p.mu.Unlock()
		if cut {
			panic(http.ErrAbortHandler)
		}
		maps.Copy(w.Header(), answer.header)
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body.Bytes())
	})
}

// keptAnswer is an answer that is not sent yet.
type keptAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newKeptAnswer() *keptAnswer { return &keptAnswer{header: http.Header{}, status: http.StatusOK} }

func (a *keptAnswer) Header() http.Header         { return a.header }
func (a *keptAnswer) WriteHeader(status int)      { a.status = status }
func (a *keptAnswer) Write(b []byte) (int, error) { return a.body.Write(b) }

// answer is what next says, or what trouble makes of it.
func (p *Platform) answer(next http.Handler, r *http.Request) (_ *keptAnswer, cut bool) {
	t := p.nextTrouble(r.URL.Path)
	right := newKeptAnswer()
	if t == nil {
		next.ServeHTTP(right, r)
		return right, false
	}
	if t.TakesEffect || t.Kind == "slow" {
		next.ServeHTTP(right, r)
	}
	sleep(r.Context(), t.Delay)
	wrong := newKeptAnswer()
	switch t.Kind {
	case "slow":
		return right, false
	case "cut":
		return right, true
	case "success0":
		writeJSON(wrong, http.StatusOK, notDone(r.URL.Path, "simulated"))
	case "garbage":
		wrong.Header().Set("Content-Type", "application/json")
		_, _ = wrong.Write([]byte(`{"result": {"success": 1, "tot`))
	case "status":
		wrong.Header().Set("Content-Type", "text/html; charset=utf-8")
		wrong.WriteHeader(t.Status)
		fmt.Fprintf(wrong, "<html><body><h1>%d %s</h1></body></html>\n", t.Status, http.StatusText(t.Status))
	}
	return wrong, false
}

// notDone is an answer with a success other than 1; only one method's has no
// result around it. The page does not show any.
func notDone(path, why string) map[string]any {
	body := map[string]any{"success": 0, "message": why}
	if path == "/setParkingNumbers" {
		return body
	}
	return map[string]any{"result": body}
}
