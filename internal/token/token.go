// Package token keeps the operator's tokens of an integration: a person logs in
// once, and from then on they are renewed long before they end.
//
// The refresh token is a baton: with some operators the old one is dead when the
// new one is on its way, and a baton that is dropped costs a person's login. So
// what is exchanged is exchanged by one process at a time, under a lock in the
// data folder, and in this order:
//
//	1 lock, and read again: another process may have done it
//	2 note, durably, that a refresh is begun
//	3 ask the operator; whoever asked us may leave, the answer is awaited
//	4 save the answer, durably
//	5 only then use it, and unlock
//
// A kill before 3 costs nothing. A kill between 3 and 4 leaves the note: the next
// start asks again at once, with the old token. An operator that lets it live
// until the new one is used – which has not happened, see 5 – answers it; one
// that does not refuses it, and that is known a moment after the start instead
// of an hour later. Step 2 also proves, before the baton is asked for, that the
// disk takes writes. Where it takes none at 4, the answer is kept in memory and
// saved when it can be.
//
// Nothing is kept in memory otherwise: every question is answered from the file,
// so that commands beside a running serve, and serve itself, always agree.
//
// golang.org/x/oauth2 has a source of tokens that renews itself. It was rejected
// (but for the requests themselves, which package mtt makes with it): it keeps
// tokens in memory, renews them when they have ended, and knows of no other
// process. x/time/rate bounds what a server that refuses every token may cause.
//
// A refusal by the operator does not discard the token: error answers are not
// documented, so it is tried on, ever more seldom, until its own end. That a
// login is needed is said from the first refusal on.
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
)

// ErrLogin says that only a person who logs in can help. The text around it says
// why.
var ErrLogin = errors.New("a login is needed (fonoteka auth login)")

// errStorm says that it is not our tokens' fault.
var errStorm = errors.New("the operator refuses one fresh token after another")

// Credentials are the client of the operator's cabinet.
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
	Credentials Credentials // of the configuration, before those that a login kept; zero: only these
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
	o       Options
	metrics *metrics
	forced  *rate.Limiter // refreshes because of a 401, before they are due
	fresh   chan struct{} // a login has come: Run looks when they are due

	mu      sync.Mutex // held by who is alone
	unsaved *unsaved   // an answer that could not be saved; nil: none
}

// New makes a Keeper.
func New(o Options) (*Keeper, error) {
	if o.Integration == "" || o.Store == nil {
		return nil, errors.New("token: integration and store are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	k := &Keeper{o: o, forced: rate.NewLimiter(rate.Every(time.Minute), 5), fresh: make(chan struct{}, 1)}
	var err error
	if k.metrics, err = newMetrics(k, o); err != nil {
		return nil, fmt.Errorf("register the metrics of tokens: %w", err)
	}
	return k, nil
}

// Token returns an access token that the operator should accept, refreshing
// where there is none. refused is one that the operator has just answered 401
// to: another one is returned. The error is ErrLogin where a person has to log
// in, and also where there are no credentials yet.
func (k *Keeper) Token(ctx context.Context, refused string) (string, error) {
	r, err := k.load()
	if err != nil {
		return "", err
	}
	if r.usable(k.o.Now(), refused) {
		return r.Access, nil
	}
	r, err = k.renew(ctx, func(r record) (bool, error) {
		now := k.o.Now()
		if r.usable(now, refused) {
			return false, nil
		}
		if r.usable(now, "") && !k.forced.Allow() {
			return false, errStorm
		}
		return true, nil
	})
	if err != nil {
		return "", err
	}
	return r.Access, nil
}

// credentials are those of the configuration, else those that a login has kept.
func (k *Keeper) credentials(r record) Credentials {
	if k.o.Credentials.Complete() {
		return k.o.Credentials
	}
	return r.Credentials
}

// trying are those that a login is made with.
func (k *Keeper) trying(r record) Credentials {
	if r.Trying.Complete() && !k.o.Credentials.Complete() {
		return r.Trying
	}
	return k.credentials(r)
}

func (k *Keeper) oauth(c Credentials) (*mtt.OAuth, error) {
	if !c.Complete() {
		return nil, fmt.Errorf("integration %s has no client id and secret: %w", k.o.Integration, ErrLogin)
	}
	return mtt.NewOAuth(mtt.OAuthOptions{
		URL: k.o.OAuthURL, ClientID: c.ClientID, ClientSecret: c.ClientSecret, RedirectURI: k.o.RedirectURI,
		Timeout: k.o.OAuthTimeout, Transport: k.o.Transport,
	})
}

func (k *Keeper) load() (record, error) {
	var r record
	if err := k.o.Store.Load(k.o.Integration, &r); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return record{}, fmt.Errorf("read the tokens of integration %s: %w", k.o.Integration, err)
	}
	return r, nil
}

func (k *Keeper) save(r record) error {
	if err := k.o.Store.Save(k.o.Integration, r); err != nil {
		return fmt.Errorf("save the tokens of integration %s: %w", k.o.Integration, err)
	}
	return nil
}
