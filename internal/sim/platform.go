package sim

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// What the simulated cabinet gives out where PlatformOptions say nothing else.
const (
	DemoClientID     = "ccb350cc-6218-40b0-b134-3d290f00b9e7"
	DemoClientSecret = "demo-client-secret"
	DemoUser         = "demo"
	DemoPassword     = "demo"
)

// PlatformOptions say what a Platform is like. Sim is required; the zero value
// of another field means its default.
type PlatformOptions struct {
	Sim *Sim // its company, its recordings and its ledger

	// RedirectURI is as entered in the cabinet. Empty: OAuth takes any, and
	// notifications are not posted until SetRedirectURI names one.
	RedirectURI            string
	ClientID, ClientSecret string
	User, Password         string // of the person who logs in

	Refresh     RefreshMode
	AccessLife  time.Duration // default 2 h
	RefreshLife time.Duration // default 3 days

	Spelling Spelling
	// Speed is how many times faster than life the calls that Platform plays
	// go: a parked number's five seconds, ringing, talking. Default 1. It does
	// not touch the times that their notifications bear.
	Speed  float64
	Manner Manner // how the parties of those calls behave

	Now    func() time.Time // default time.Now; Advance adds to it
	Client *http.Client     // posts notifications; default: one without a proxy
}

func (o PlatformOptions) withDefaults() (PlatformOptions, error) {
	if o.Sim == nil {
		return o, fmt.Errorf("sim: a platform needs a Sim")
	}
	for _, d := range []struct {
		field *string
		value string
	}{
		{&o.ClientID, DemoClientID},
		{&o.ClientSecret, DemoClientSecret},
		{&o.User, DemoUser},
		{&o.Password, DemoPassword},
		{(*string)(&o.Refresh), string(RotatingGrace)},
		{(*string)(&o.Spelling), string(SpellingMixed)},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if !o.Refresh.known() || !o.Spelling.known() {
		return o, fmt.Errorf("sim: unknown way to refresh %q or to spell %q", o.Refresh, o.Spelling)
	}
	if o.AccessLife < 0 || o.RefreshLife < 0 || o.Speed < 0 {
		return o, fmt.Errorf("sim: lives and speed must not be negative")
	}
	if o.AccessLife == 0 {
		o.AccessLife = 2 * time.Hour
	}
	if o.RefreshLife == 0 {
		o.RefreshLife = 3 * 24 * time.Hour
	}
	if o.Speed == 0 {
		o.Speed = 1
	}
	o.Manner = o.Manner.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = o.Sim.newClient()
	}
	return o, nil
}

// Platform answers as the operator's servers do: OAuth under /oauth/, the
// methods of the API, the recordings of its Sim, and under /sim/ what is the
// simulator's own: its clock, what it was asked, what is to go wrong, changes
// in the cabinet, calls from outside.
//
// Tokens and codes are random and not drawn from the seed: a simulator that is
// started again must not know those of its last life.
type Platform struct {
	opts PlatformOptions
	mux  *http.ServeMux

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	calls  sync.WaitGroup

	mu       sync.Mutex // guards what follows
	closed   bool
	redirect string
	offset   time.Duration
	codes    map[string]code
	access   map[string]time.Time // token → when it ends
	refresh  map[string]*refreshToken
	requests []Request
	troubles []*Trouble
	spelled  int // answers of the API so far
	company  *company
	added    int              // workplaces so far
	parked   map[string]bool  // external numbers
	lines    map[string]*line // by the ids of their legs
	played   int              // calls of lines so far
}

// NewPlatform makes a Platform. Close ends it.
func NewPlatform(opts PlatformOptions) (*Platform, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Platform{
		opts: opts, redirect: opts.RedirectURI, company: opts.Sim.currentCompany(),
		parked: map[string]bool{}, lines: map[string]*line{},
		codes: map[string]code{}, access: map[string]time.Time{}, refresh: map[string]*refreshToken{},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.mux = p.routes()
	return p, nil
}

// Close ends the calls that are under way and returns when all have stopped;
// the ledger says that they are not complete.
func (p *Platform) Close() {
	p.mu.Lock()
	p.closed = true // start begins nothing after this
	p.mu.Unlock()
	p.cancel()
	p.calls.Wait()
	p.opts.Client.CloseIdleConnections()
}

// Finish lets the calls under way come to their end, all told, and then closes.
// Nothing new begins.
func (p *Platform) Finish() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.calls.Wait()
	p.Close()
}

// ServeHTTP answers a request as the operator, or the simulator itself, does.
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

func (p *Platform) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /records/", p.opts.Sim.Handler())
	for pattern, handler := range map[string]http.HandlerFunc{
		"GET /oauth/authorize": p.authorize,
		"GET /oauth/login":     p.showLogin,
		"POST /oauth/login":    p.login,
		"POST /oauth/token":    p.token,
	} {
		mux.Handle(pattern, p.watched(handler))
	}
	p.api(mux)
	p.control(mux)
	return mux
}

// SetRedirectURI enters it in the cabinet.
func (p *Platform) SetRedirectURI(uri string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.redirect = uri
}

func (p *Platform) redirectURI() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.redirect
}

// Now is the time on the platform's clock, by which tokens end.
func (p *Platform) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now()
}

func (p *Platform) now() time.Time { return p.opts.Now().Add(p.offset) }

// Advance puts the clock forward. Calls under way do not notice.
func (p *Platform) Advance(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.offset += d
}
