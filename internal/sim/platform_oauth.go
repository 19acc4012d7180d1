package sim

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
)

// What "scope" is asked with, and what the operator's two examples answer.
const (
	askedScope   = "https://mtt.ru/auth.tokens.readwrite"
	codeScope    = "https://mtt.ru/auth/openapi.readwrite"
	refreshScope = " https://mtt.ru/auth.tokens.readwrite "
)

//go:embed login.html
var loginHTML string

// authorize checks the request and leads to the login page. What is wrong is
// told to the person: an address that cannot be trusted is not redirected to.
func (p *Platform) authorize(w http.ResponseWriter, r *http.Request) {
	if wrong := p.wrongRequest(r.URL.Query()); wrong != "" {
		p.loginPage(w, http.StatusBadRequest, loginView{Broken: wrong})
		return
	}
	http.Redirect(w, r, "/oauth/login?"+r.URL.RawQuery, http.StatusFound)
}

// wrongRequest says what of an authorize request is not as the page wants it.
func (p *Platform) wrongRequest(q url.Values) string {
	registered := p.redirectURI()
	u, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case q.Get("client_id") != p.opts.ClientID:
		return "client_id неизвестен"
	case err != nil || u.Host == "":
		return "redirect_uri не является адресом"
	case registered != "" && q.Get("redirect_uri") != registered:
		return "redirect_uri не тот, что указан в личном кабинете"
	case q.Get("response_type") != "code":
		return "response_type должен быть code"
	case q.Get("scope") != askedScope:
		return "scope должен быть " + askedScope
	}
	return ""
}

// loginView is what the login page shows.
type loginView struct {
	Broken string // the request is wrong: no form
	Failed bool   // the last try was
	User   string
	Query  template.URL
}

func (p *Platform) loginPage(w http.ResponseWriter, status int, view loginView) {
	page, err := template.New("login").Parse(loginHTML)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = page.Execute(w, view)
}

func (p *Platform) showLogin(w http.ResponseWriter, r *http.Request) {
	if wrong := p.wrongRequest(r.URL.Query()); wrong != "" {
		p.loginPage(w, http.StatusBadRequest, loginView{Broken: wrong})
		return
	}
	p.loginPage(w, http.StatusOK, loginView{Query: template.URL(r.URL.Query().Encode())})
}

// login takes the form. A refusal goes back to the redirect URI as the standard
// says; the operator's page does not mention any.
func (p *Platform) login(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	user, password := r.PostFormValue("user"), r.PostFormValue("password")
	answer := url.Values{}
	if state, sent := q["state"]; sent {
		answer["state"] = state
	}
	switch {
	case p.wrongRequest(q) != "":
		p.loginPage(w, http.StatusBadRequest, loginView{Broken: p.wrongRequest(q)})
		return
	case r.PostFormValue("refuse") != "":
		answer.Set("error", "access_denied")
	case user != p.opts.User || password != p.opts.Password:
		p.loginPage(w, http.StatusOK, loginView{Failed: true, User: user, Query: template.URL(q.Encode())})
		return
	default:
		answer.Set("code", p.newCode(q.Get("redirect_uri")))
	}
	back, err := withQuery(q.Get("redirect_uri"), answer)
	if err != nil {
		p.loginPage(w, http.StatusBadRequest, loginView{Broken: err.Error()})
		return
	}
	http.Redirect(w, r, back, http.StatusFound)
}

func withQuery(address string, add url.Values) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("sim: redirect URI: %w", err)
	}
	q := u.Query()
	for name, values := range add {
		q[name] = values
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
