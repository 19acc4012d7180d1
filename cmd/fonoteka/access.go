package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"fonoteka/internal/archive"
	"fonoteka/internal/intake"
	"fonoteka/internal/mtt"
	"fonoteka/internal/state"
	"fonoteka/internal/token"
)

// operatorFlags are what whoever asks the operator must know, integrationFlags
// apart.
func operatorFlags() []cli.Flag {
	return []cli.Flag{
		mttText("client-id", "CLIENT_ID", "", "client `ID` of the operator's cabinet; empty: the one kept by fonoteka auth login"),
		mttText("client-secret", "CLIENT_SECRET", "", "its `SECRET`; likewise"),
		mttText("api-url", "API_URL", mtt.APIURL, "`URL` of the operator's API"),
		mttText("oauth-url", "OAUTH_URL", mtt.OAuthURL, "`URL` of the operator's login service"),
		keyFlag(),
	}
}

func keyFlag() cli.Flag {
	return text("key", "", "`KEY` that seals tokens and client secrets in the data folder, 32 letters or more; empty: one kept in the file key of that folder")
}

// operatorSettings reads how to reach the operator.
func (cfg *config) operatorSettings(file file, pick func(string, string) string, p *problems) {
	for _, u := range []struct {
		flag, env, fromFile string
		into                *string
	}{{"api-url", "API_URL", file.APIURL, &cfg.apiURL}, {"oauth-url", "OAUTH_URL", file.OAuthURL, &cfg.oauthURL}} {
		*u.into = pick(u.flag, u.fromFile)
		if err := checkService(*u.into); err != nil {
			p.add("--%s (FONOTEKA_MTT_%s): %w", u.flag, u.env, err)
		}
	}
	if _, err := cfg.tokenHosts(); err != nil {
		p.add("--api-url (FONOTEKA_MTT_API_URL): %w", err)
	}
	if len(file.Integrations) > 0 && pick("redirect-uri", "") == "" && pick("client-id", "")+pick("client-secret", "") != "" {
		p.add("--client-id, --client-secret (FONOTEKA_MTT_CLIENT_ID, _SECRET) belong to the integration of --redirect-uri; in the file they stand beside each redirect_uri, as client_id and client_secret")
	}
}

// readKey reads the vault's key.
func (cfg *config) readKey(pick func(string, string) string, p *problems) {
	if cfg.key = pick("key", ""); cfg.key != "" && len(cfg.key) < state.MinKey {
		p.add("--key (FONOTEKA_KEY): a key has at least %d letters: openssl rand -hex 32 makes one", state.MinKey)
	}
}

// checkService refuses an address that secrets must not be sent to.
func checkService(raw string) error {
	if raw == "" {
		return nil // of a command that does not ask for it
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("is not a plain URL")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return errors.New("must be https (http only on a loopback address, for tests)")
	}
	return nil
}

// access is how this installation deals with the operator: tokens and a client
// for each integration.
type access struct {
	keepers map[string]*token.Keeper
	clients map[string]*mtt.Client

	mu     sync.Mutex
	handed map[string]string // the last token given to a download, by integration
}

// newAccess prepares it; nothing is asked yet, and nobody need have logged in.
// The data folder must be there. log and reg may be nil.
func (cfg *config) newAccess(log *slog.Logger, reg prometheus.Registerer) (*access, error) {
	vault, err := state.OpenVault(cfg.data, cfg.key)
	if err != nil {
		return nil, err
	}
	a := &access{keepers: map[string]*token.Keeper{}, clients: map[string]*mtt.Client{}, handed: map[string]string{}}
	for _, i := range cfg.integrations {
		a.keepers[i.name], err = token.New(token.Options{
			Integration: i.name, RedirectURI: i.redirect, Credentials: i.credentials, Store: vault, OAuthURL: cfg.oauthURL,
			Log: log, Registerer: reg,
		})
		if err != nil {
			return nil, err
		}
		a.clients[i.name], err = mtt.NewClient(mtt.ClientOptions{URL: cfg.apiURL, Integration: i.name, Tokens: a.keepers[i.name], Registerer: reg})
		if err != nil {
			return nil, err
		}
	}
	return a, nil
}

// client returns the client of an integration; name may be empty where there is
// one only.
func (a *access) client(name string) (*mtt.Client, error) {
	if name == "" && len(a.clients) == 1 {
		for _, c := range a.clients {
			return c, nil
		}
	}
	if c := a.clients[name]; c != nil {
		return c, nil
	}
	if name == "" {
		return nil, errors.New("there are several integrations: name one (--integration)")
	}
	return nil, fmt.Errorf("there is no integration %q", name)
}

// run renews tokens until ctx ends.
func (a *access) run(ctx context.Context) error {
	var all errgroup.Group
	for _, k := range a.keepers {
		all.Go(func() error { return k.Run(ctx) })
	}
	return all.Wait()
}

// oauth answers at the redirect URIs.
func (a *access) oauth(log *slog.Logger) http.Handler {
	return token.Handler(func(r *http.Request) *token.Keeper { return a.keepers[intake.IntegrationOf(r)] }, log)
}

// tokenHosts may see a token when they ask for one: the operator's own, whatever
// other hosts recordings may be fetched from.
func (cfg *config) tokenHosts() (archive.Hosts, error) {
	hosts := []string{archive.DefaultHosts}
	if u, err := url.Parse(cfg.apiURL); err == nil && u.Host != "" {
		host := u.Hostname()
		if _, err := netip.ParseAddr(host); err == nil { // stands in a list with its port
			port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
			host = net.JoinHostPort(host, port)
		} else if u.Port() != "" {
			host += ":" + u.Port()
		}
		hosts = append(hosts, host)
	}
	return archive.ParseHosts(hosts...)
}

// bearer is the token of a download whose server asked for one.
func (a *access) bearer(ctx context.Context, integration, _ string) (string, error) {
	k := a.keepers[integration]
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

// refused gets another token after a server refused the one it was given. That a
// login is needed is nobody's fault here, and said elsewhere.
func (a *access) refused(ctx context.Context, integration, _ string) error {
	a.mu.Lock()
	handed := a.handed[integration]
	a.mu.Unlock()
	k := a.keepers[integration]
	if k == nil || handed == "" {
		return nil
	}
	if _, err := k.Token(ctx, handed); !errors.Is(err, token.ErrLogin) {
		return err
	}
	return nil
}
