package installation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"fonoteka/internal/intake"
	"fonoteka/internal/mtt"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/token"
)

// Access is how this installation deals with the operator: tokens and a client
// for each integration.
type Access struct {
	Keepers map[string]*token.Keeper
	clients map[string]*mtt.Client

	mu     sync.Mutex
	handed map[string]string // the last token given to a download, by integration
}

// NewAccess prepares it; nothing is asked yet, and nobody need have logged in.
// The data folder must be there. log and reg may be nil.
func NewAccess(cfg *settings.Config, log *slog.Logger, reg prometheus.Registerer) (*Access, error) {
	vault, err := state.OpenVault(cfg.Data, cfg.Key)
	if err != nil {
		return nil, err
	}
	a := &Access{Keepers: map[string]*token.Keeper{}, clients: map[string]*mtt.Client{}, handed: map[string]string{}}
	for _, i := range cfg.Integrations {
		a.Keepers[i.Name], err = token.New(token.Options{
			Integration: i.Name, RedirectURI: i.RedirectURI, Credentials: i.Credentials, Store: vault, OAuthURL: cfg.OAuthURL,
			Log: log, Registerer: reg,
		})
		if err != nil {
			return nil, err
		}
		a.clients[i.Name], err = mtt.NewClient(mtt.ClientOptions{URL: cfg.APIURL, Integration: i.Name, Tokens: a.Keepers[i.Name], Registerer: reg})
		if err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Client returns the client of an integration; name may be empty where there is
// one only.
func (a *Access) Client(name string) (*mtt.Client, error) {
	if name == "" && len(a.clients) == 1 {
		for _, c := range a.clients {
			return c, nil
		}
	}
	if c := a.clients[name]; c != nil {
		return c, nil
	}
	if name == "" {
		return nil, fmt.Errorf("there are several integrations: name one of them (--integration): %s", strings.Join(slices.Sorted(maps.Keys(a.clients)), ", "))
	}
	return nil, fmt.Errorf("there is no integration %q", name)
}

// Run renews tokens until ctx ends.
func (a *Access) Run(ctx context.Context) error {
	var all errgroup.Group
	for _, k := range a.Keepers {
		all.Go(func() error { return k.Run(ctx) })
	}
	return all.Wait()
}

// OAuth answers at the redirect URIs.
func (a *Access) OAuth(log *slog.Logger) http.Handler {
	return token.Handler(func(r *http.Request) *token.Keeper { return a.Keepers[intake.IntegrationOf(r)] }, log)
}

// Bearer is the token of a download whose server asked for one.
func (a *Access) Bearer(ctx context.Context, integration, _ string) (string, error) {
	k := a.Keepers[integration]
	if k == nil {
		return "", fmt.Errorf("there is no integration %q any more", integration)
	}
	t, err := k.Token(ctx, "")
	if err == nil {
		a.mu.Lock()
		a.handed[integration] = t
		a.mu.Unlock()
	}
	return t, err
}

// Refused gets another token after a server refused the one it was given. That a
// login is needed is nobody's fault here, and said elsewhere.
func (a *Access) Refused(ctx context.Context, integration, _ string) error {
	a.mu.Lock()
	handed := a.handed[integration]
	a.mu.Unlock()
	k := a.Keepers[integration]
	if k == nil || handed == "" {
		return nil
	}
	if _, err := k.Token(ctx, handed); !errors.Is(err, token.ErrLogin) {
		return err
	}
	return nil
}
