package sim

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"
)

// RefreshMode is what becomes of a refresh token when it is used. The
// operator's page leaves it open.
type RefreshMode string

// The ways to refresh.
const (
	// RotatingGrace answers with a new token of a new life; the old one stays
	// good until the new one is used for the first time.
	RotatingGrace RefreshMode = "rotating-grace"
	// RotatingStrict answers with a new token of a new life; the old one dies
	// as the answer is sent.
	RotatingStrict RefreshMode = "rotating-strict"
	// Constant answers with the same token, which keeps its end.
	Constant RefreshMode = "constant"
)

func (m RefreshMode) known() bool {
	return m == RotatingGrace || m == RotatingStrict || m == Constant
}

// codeLife is how long a code waits for its exchange; the page does not say.
const codeLife = 5 * time.Minute

type code struct {
	redirectURI string
	ends        time.Time
}

// refreshToken is one that was given out and may still be good.
type refreshToken struct {
	value  string
	ends   time.Time
	parent *refreshToken // whose use brought it
}

func newToken() string { return (rand.Text() + rand.Text())[:48] }

func (p *Platform) newCode(redirectURI string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	value := rand.Text()[:18]
	p.codes[value] = code{redirectURI, p.now().Add(codeLife)}
	return value
}

// tokenAnswer is as in the operator's examples.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
	TokenType    string `json:"token_type"`
}

// token answers both grants. The client's id and secret stand in the form: the
// page knows no other place. Its errors are those of RFC 6749.
func (p *Platform) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request")
		return
	}
	form := r.PostForm
	if form.Get("client_id") != p.opts.ClientID || form.Get("client_secret") != p.opts.ClientSecret {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	var answer tokenAnswer
	var wrong string
	switch form.Get("grant_type") {
	case "authorization_code":
		if form.Get("scope") != askedScope {
			wrong = "invalid_scope"
			break
		}
		answer, wrong = p.exchange(form.Get("code"), form.Get("redirect_uri"))
	case "refresh_token":
		answer, wrong = p.renew(form.Get("refresh_token"))
	default:
		wrong = "unsupported_grant_type"
	}
	if wrong != "" {
		refuse(w, http.StatusBadRequest, wrong)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, answer)
}

func refuse(w http.ResponseWriter, status int, reason string) {
	writeJSON(w, status, map[string]string{"error": reason})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// exchange turns a code into the first pair of tokens. A code works once.
func (p *Platform) exchange(value, redirectURI string) (_ tokenAnswer, wrong string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, known := p.codes[value]
	delete(p.codes, value)
	if !known || !p.now().Before(c.ends) || c.redirectURI != redirectURI {
		return tokenAnswer{}, "invalid_grant"
	}
	return p.pair(p.newRefresh(nil), codeScope), ""
}

// renew is the use of a refresh token.
func (p *Platform) renew(value string) (_ tokenAnswer, wrong string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.refresh[value]
	if t == nil || !p.now().Before(t.ends) {
		return tokenAnswer{}, "invalid_grant"
	}
	next := t
	switch p.opts.Refresh {
	case RotatingStrict:
		delete(p.refresh, value)
		next = p.newRefresh(nil)
	case RotatingGrace:
		p.firstUse(t)
		next = p.newRefresh(t)
	}
	return p.pair(next, refreshScope), ""
}

// firstUse ends the grace of t's parent, and with it whatever else that parent
// has brought.
func (p *Platform) firstUse(t *refreshToken) {
	if t.parent == nil {
		return
	}
	for value, other := range p.refresh {
		if other == t.parent || other != t && other.parent == t.parent {
			delete(p.refresh, value)
		}
	}
	t.parent = nil
}

func (p *Platform) newRefresh(parent *refreshToken) *refreshToken {
	t := &refreshToken{value: newToken(), ends: p.now().Add(p.opts.RefreshLife), parent: parent}
	p.refresh[t.value] = t
	return t
}

func (p *Platform) pair(t *refreshToken, scope string) tokenAnswer {
	value := newToken()
	p.access[value] = p.now().Add(p.opts.AccessLife)
	return tokenAnswer{value, int(p.opts.AccessLife / time.Second), t.value, scope, "Bearer"}
}

// Revoke ends every access token at once, and the refresh tokens too if all is
// set: a person took the integration's rights away.
func (p *Platform) Revoke(all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.access)
	if all {
		clear(p.refresh)
		clear(p.codes)
	}
}

// authorised says whether a request bears an access token that is good now.
func (p *Platform) authorised(r *http.Request) bool {
	const scheme = "Bearer "
	header := r.Header.Get("Authorization")
	if len(header) <= len(scheme) || header[:len(scheme)] != scheme {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ends, known := p.access[header[len(scheme):]]
	return known && p.now().Before(ends)
}
