package settings

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"net/url"

	"fonoteka/internal/fetch"
	"fonoteka/internal/state"
)

// operatorSettings reads how to reach the operator.
func (cfg *Config) operatorSettings(file file, pick func(string, string) string, p *problems) {
	for _, u := range []struct {
		flag, fromFile string
		into           *string
	}{{"api-url", file.APIURL, &cfg.APIURL}, {"oauth-url", file.OAuthURL, &cfg.OAuthURL}} {
		*u.into = pick(u.flag, u.fromFile)
		if err := checkService(*u.into); err != nil {
			p.setting(u.flag, "%w", err)
		}
	}
	if _, err := cfg.TokenHosts(); err != nil {
		p.setting("api-url", "%w", err)
	}
}

// readKey reads the vault's key.
func (cfg *Config) readKey(pick func(string, string) string, p *problems) {
	if cfg.Key = pick("key", ""); cfg.Key != "" && len(cfg.Key) < state.MinKey {
		p.setting("key", "a key has at least %d letters: openssl rand -hex 32 makes one", state.MinKey)
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
	case u.Scheme != "https" && (u.Scheme != "http" || !Loopback(u.Hostname())):
		return errors.New("must be https (http only on a loopback address, for tests)")
	}
	return nil
}

// TokenHosts may see a token when they ask for one: the operator's own, whatever
// other hosts recordings may be fetched from.
func (cfg *Config) TokenHosts() (fetch.Hosts, error) {
	hosts := []string{fetch.DefaultHosts}
	if u, err := url.Parse(cfg.APIURL); err == nil && u.Host != "" {
		host := u.Hostname()
		if _, err := netip.ParseAddr(host); err == nil { // stands in a list with its port
			port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
			host = net.JoinHostPort(host, port)
		} else if u.Port() != "" {
			host += ":" + u.Port()
		}
		hosts = append(hosts, host)
	}
	return fetch.ParseHosts(hosts...)
}
