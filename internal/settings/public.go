package settings

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/edge"
)

// Public say how the public listener faces the internet.
type Public struct {
	Listen         string
	Proxies        edge.Networks
	Senders        edge.Networks
	Certificate    string
	Key            string
	ACME           bool
	ACMEEmail      string
	ACMEDirectory  string
	ACMERoots      string
	OriginEvents   string
	MaxConnections int
}

// filePublic is what the file of --config says of it.
type filePublic struct {
	TrustedProxies []string `yaml:"trusted_proxies"`
	SourceNetworks []string `yaml:"source_networks"`
	TLSCert        string   `yaml:"tls_cert"`
	TLSKey         string   `yaml:"tls_key"`
	ACME           string   `yaml:"acme"`
	ACMEEmail      string   `yaml:"acme_email"`
	ACMEDirectory  string   `yaml:"acme_directory"`
	ACMERoots      string   `yaml:"acme_roots"`
	OriginEvents   string   `yaml:"origin_events"`
	MaxConnections string   `yaml:"max_connections"`
}

func publicFlags() []cli.Flag {
	return []cli.Flag{
		Text("listen", "127.0.0.1:8080", "public `ADDRESS` for notifications"),
		Text("trusted-proxies", "", "`NETWORKS` of the proxies before the public listener, comma between: their X-Forwarded-For is believed, nobody else's; except on a loopback address, nobody else may connect without TLS"),
		Text("tls-cert", "", "`FILE` with the certificate's chain; read again when it changes"),
		Text("tls-key", "", "`FILE` with its key"),
		&cli.BoolFlag{Name: "acme", Usage: "get certificates for the hosts of the redirect URIs from Let's Encrypt, whose terms of service you agree to; the public listener must be reachable as port 443", EnvVars: []string{envName("acme")}},
		Text("acme-email", "", "`ADDRESS` that the authority may write to"),
		Text("acme-directory", "", "`URL` of another authority"),
		Text("acme-roots", "", "`FILE` with the certificates by which that one is trusted itself"),
		Text("source-networks", "", "`NETWORKS` that may post notifications, comma between; others are answered 404 and counted; on a loopback address it needs --trusted-proxies; empty: all"),
		Text("origin-events", "", "`INTEGRATION` whose notifications are taken at the origin's /events too; needs --source-networks"),
		Text("max-connections", "2048", "`N` connections at once on the public listener"),
	}
}

// readPublic reads the settings. It refuses a listener that would carry the secret
// in the clear.
func (cfg *Config) readPublic(f file, pick func(flag, fromFile string) string, p *problems) {
	s := &cfg.Public
	s.Listen = pick("listen", f.Listen)
	host, port, err := net.SplitHostPort(s.Listen)
	if err != nil {
		p.setting("listen", "%q is not host:port", s.Listen)
	}
	s.Proxies = trusted(pick("trusted-proxies", strings.Join(f.Public.TrustedProxies, ",")), p)
	s.Senders = networks("source-networks", pick("source-networks", strings.Join(f.Public.SourceNetworks, ",")), p)
	s.Certificate, s.Key = pick("tls-cert", f.Public.TLSCert), pick("tls-key", f.Public.TLSKey)
	s.ACME = yes("acme", pick("acme", f.Public.ACME), p)
	s.ACMEEmail, s.ACMEDirectory, s.ACMERoots = pick("acme-email", f.Public.ACMEEmail), pick("acme-directory", f.Public.ACMEDirectory), pick("acme-roots", f.Public.ACMERoots)
	s.OriginEvents = pick("origin-events", f.Public.OriginEvents)
	n, numberErr := strconv.Atoi(pick("max-connections", f.Public.MaxConnections))
	if s.MaxConnections = n; numberErr != nil || n < 16 || n > 1_000_000 {
		p.setting("max-connections", "not a number from 16 to 1000000")
	}
	switch {
	case (s.Certificate == "") != (s.Key == ""):
		given := "tls-cert"
		if s.Certificate == "" {
			given = "tls-key"
		}
		p.setting(given, "tls-cert and tls-key belong together")
	case s.ACME && s.Certificate != "":
		p.setting("acme", "it and --tls-cert exclude each other")
	case s.ACME && len(cfg.RedirectHosts()) == 0:
		p.setting("acme", "no redirect URI has a host name that a certificate could be for")
	case err == nil && !s.TLS() && !Loopback(host) && len(s.Proxies) == 0:
		p.setting("listen", "on %q, notifications and the secret in their address would cross the network in the clear. "+
			"Name the proxy that does TLS (--trusted-proxies), or give a certificate (--tls-cert and --tls-key, or --acme), "+
			"or listen on 127.0.0.1:%s for a proxy on this machine", s.Listen, port)
	}
	if s.OriginEvents != "" {
		if !slices.ContainsFunc(cfg.Integrations, func(i Integration) bool { return i.Name == s.OriginEvents }) {
			p.setting("origin-events", "there is no integration %q", s.OriginEvents)
		}
		if len(s.Senders) == 0 {
			p.setting("origin-events", "it needs --source-networks: the origin's /events is no secret, and anybody could post calls there")
		}
	}
	if sourceErr := s.sourceKnown(host); sourceErr != nil {
		p.add("%w", sourceErr)
	}
}

// checkPrivate refuses a private listener that others than a proxy could reach: it has no
// TLS, and recordings, their password and the admin token would cross the network.
func (cfg *Config) checkPrivate(p *problems) {
	host, port, err := net.SplitHostPort(cfg.PrivateListen)
	switch {
	case err != nil:
		p.setting("private-listen", "%q is not host:port", cfg.PrivateListen)
	case !Loopback(host) && len(cfg.Public.Proxies) == 0:
		p.setting("private-listen", "on %q, recordings, their password and the token for commands would cross the network in the clear. "+
			"Listen on 127.0.0.1:%s for a proxy on this machine that does TLS, or name the networks that may connect (--trusted-proxies): the proxy's, Prometheus' own",
			cfg.PrivateListen, port)
	}
}

// PrivateKnownAt is checkPrivate for the address that was bound: a name that was given
// may lead anywhere.
func (s Public) PrivateKnownAt(bound net.Addr) error {
	host, _, err := net.SplitHostPort(bound.String())
	if err == nil && !Loopback(host) && len(s.Proxies) == 0 {
		err = fmt.Errorf("%s: it is bound on %s, which is no loopback address, and no proxy is named (--trusted-proxies)", named("private-listen"), bound)
	}
	return err
}

func networks(flag, raw string, p *problems) edge.Networks {
	n, err := edge.ParseNetworks(strings.Split(raw, ",")...)
	if err != nil {
		p.setting(flag, "%w", err)
	}
	return n
}

func (s Public) TLS() bool { return s.Certificate != "" || s.ACME }

// RedirectHosts are the names in the redirect URIs.
func (cfg *Config) RedirectHosts() []string {
	var out []string
	for _, i := range cfg.Integrations {
		u, err := url.Parse(i.RedirectURI)
		if err != nil || u.Hostname() == "" || slices.Contains(out, u.Hostname()) {
			continue
		}
		if _, err := netip.ParseAddr(u.Hostname()); err != nil {
			out = append(out, u.Hostname())
		}
	}
	return out
}
