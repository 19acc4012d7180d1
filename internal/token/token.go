// Package token keeps the operator's tokens of an integration: a person logs in
// once, and from then on they are renewed long before they expire.
//
// Some operators invalidate a refresh token as soon as they send the next one. If that
// one is lost, a person has to log in again. So tokens are refreshed by one process at a
// time, under a lock in the data folder, in this order:
//
//	1 lock, and read again: another process may have refreshed them
//	2 save, durably, that a refresh has begun
//	3 send the request; the answer is awaited even if the caller gives up
//	4 save the answer, durably
//	5 only then use it, and unlock
//
// A kill before 3 costs nothing. After a kill between 3 and 4 the next start finds what
// was saved at 2, and sends the request again at once, with the old token. An operator
// that accepts the old token until the new one is used – which it has not been, see 5 –
// answers it; another refuses it, and that is known a moment after the start instead
// of an hour later. Step 2 also proves, before the request, that the
// disk can be written. Where it cannot at 4, the answer is kept in memory and
// saved later.
//
// Nothing else is kept in memory: every question is answered from the file,
// so that commands beside a running serve, and serve itself, always agree.
//
// golang.org/x/oauth2 has a token source that refreshes by itself. It was rejected
// (except for the requests, which package mtt makes with it): it keeps
// tokens in memory, refreshes them only when they have expired, and does not know of other
// processes. x/time/rate limits the refreshes that a server which refuses every token may
// cause.
//
// A refusal by the operator does not discard the token: error answers are not
// documented, so it is retried, less and less often, until its own end. Status reports
// that a login is needed from the first refusal on.
package token

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"fonoteka/internal/mtt"
	"fonoteka/internal/run"
)

// ErrLogin says that a person has to log in. The errors that wrap it say why.
var ErrLogin = errors.New("a login is needed (fonoteka auth login)")

// errRefreshLimit stops refreshing where the operator refuses even new tokens.
var errRefreshLimit = errors.New("the operator refuses one fresh token after another")

// Credentials are those of the client in the operator's cabinet.
type Credentials struct {
	ClientID     string
	ClientSecret string
}

// Complete says whether both are known.
func (c Credentials) Complete() bool { return c.ClientID != "" && c.ClientSecret != "" }

// Store keeps secrets durably; *state.Vault is one.
type Store interface {
	Lock(ctx context.Context, name string) (release func() error, err error)
	Load(name string, into any) error // fs.ErrNotExist where nothing is kept
	Save(name string, content any) error
	Key(purpose string) []byte
}

// Options of a Keeper. Integration and Store are required.
type Options struct {
	Integration string
	RedirectURI string      // as in the operator's cabinet; without it nobody can log in
	Credentials Credentials // of the configuration: they replace those saved by a login; zero: none
	Store       Store

	OAuthURL     string            // "": the operator's
	OAuthTimeout time.Duration     // 0: the default of mtt.OAuthOptions
	Transport    http.RoundTripper // nil: http.DefaultTransport

	Log        *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: not registered; several keepers may share one
	Now        func() time.Time      // nil: time.Now
}

// Keeper keeps the tokens of one integration. It is an mtt.TokenSource and may be
// used by several goroutines, and beside those of other processes.
type Keeper struct {
	opts     Options
	metrics  *metrics
	forced   *rate.Limiter // of refreshes because of a 401, before they are due
	loggedIn chan struct{} // wakes Run after a login

	mu      sync.Mutex // taken by exclusively
	unsaved *unsaved   // an answer that could not be saved; nil: none
}

// New makes a Keeper.
func New(o Options) (*Keeper, error) {
	if o.Integration == "" || o.Store == nil {
		return nil, errors.New("token: integration and store are required")
	}
	o.Log = run.Log(o.Log)
	if o.Now == nil {
		o.Now = time.Now
	}
	k := &Keeper{opts: o, forced: rate.NewLimiter(rate.Every(time.Minute), 5), loggedIn: make(chan struct{}, 1)}
	var err error
	if k.metrics, err = newMetrics(k, o); err != nil {
		return nil, fmt.Errorf("register the metrics of tokens: %w", err)
	}
	return k, nil
}

// Token returns an access token that the operator should accept, refreshing
// where there is none. refused is one that the operator has just answered 401
// to: another one is returned. The error is ErrLogin where a person has to log
// in, and where there are no credentials yet.
func (k *Keeper) Token(ctx context.Context, refused string) (string, error) {
	r, err := k.load()
	if err != nil {
		return "", err
	}
	if r.usable(k.opts.Now(), refused) {
		return r.Access, nil
	}
	r, err = k.renew(ctx, func(r record) (bool, error) {
		now := k.opts.Now()
		if r.usable(now, refused) {
			return false, nil
		}
		if r.usable(now, "") && !k.forced.Allow() {
			return false, errRefreshLimit
		}
		return true, nil
	})
	if err != nil {
		return "", err
	}
	return r.Access, nil
}

// credentials are those of the configuration, else those saved by a login.
func (k *Keeper) credentials(r record) Credentials {
	if k.opts.Credentials.Complete() {
		return k.opts.Credentials
	}
	return r.Credentials
}

// loginCredentials are those that a login is made with.
func (k *Keeper) loginCredentials(r record) Credentials {
	if r.Pending.Complete() && !k.opts.Credentials.Complete() {
		return r.Pending
	}
	return k.credentials(r)
}

func (k *Keeper) oauth(c Credentials) (*mtt.OAuth, error) {
	if !c.Complete() {
		return nil, fmt.Errorf("integration %s has no client id and secret: %w", k.opts.Integration, ErrLogin)
	}
	return mtt.NewOAuth(mtt.OAuthOptions{
		URL: k.opts.OAuthURL, ClientID: c.ClientID, ClientSecret: c.ClientSecret, RedirectURI: k.opts.RedirectURI,
		Timeout: k.opts.OAuthTimeout, Transport: k.opts.Transport,
	})
}

func (k *Keeper) load() (record, error) {
	var r record
	if err := k.opts.Store.Load(k.opts.Integration, &r); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return record{}, fmt.Errorf("read the tokens of integration %s: %w", k.opts.Integration, err)
	}
	return r, nil
}

func (k *Keeper) save(r record) error {
	if err := k.opts.Store.Save(k.opts.Integration, r); err != nil {
		return fmt.Errorf("save the tokens of integration %s: %w", k.opts.Integration, err)
	}
	return nil
}
