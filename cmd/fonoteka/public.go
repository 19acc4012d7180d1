package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/urfave/cli/v2"

	"fonoteka/internal/edge"
	"fonoteka/internal/intake"
	"fonoteka/internal/spool"
)

// publicSettings say how the public listener faces the internet.
type publicSettings struct {
	listen         string
	proxies        edge.Networks
	senders        edge.Networks
	certificate    string
	key            string
	acme           bool
	acmeEmail      string
	acmeDirectory  string
	acmeRoots      string
	originEvents   string
	maxConnections int
}

// filePublic is what the file of --config says of it.
type filePublic struct {
	TrustedProxies []string `yaml:"trusted_proxies"`
	SourceNetworks []string `yaml:"source_networks"`
	TLSCert        string   `yaml:"tls_cert"`
	TLSKey         string   `yaml:"tls_key"`
	ACME           bool     `yaml:"acme"`
	ACMEEmail      string   `yaml:"acme_email"`
	ACMEDirectory  string   `yaml:"acme_directory"`
	ACMERoots      string   `yaml:"acme_roots"`
	OriginEvents   string   `yaml:"origin_events"`
	MaxConnections int      `yaml:"max_connections"`
}

func publicFlags() []cli.Flag {
	return []cli.Flag{
		text("listen", "127.0.0.1:8080", "public `ADDRESS` for notifications"),
		text("trusted-proxies", "", "`NETWORKS` of the proxies before the public listener, comma between: their X-Forwarded-For is believed, nobody else's; except on a loopback address, nobody else may connect without TLS"),
		text("tls-cert", "", "`FILE` with the certificate's chain; read again when it changes"),
		text("tls-key", "", "`FILE` with its key"),
		&cli.BoolFlag{Name: "acme", Usage: "get certificates for the hosts of the redirect URIs from Let's Encrypt, whose terms of service you agree to; the public listener must be reachable as port 443", EnvVars: []string{envName("acme")}},
		text("acme-email", "", "`ADDRESS` that the authority may write to"),
		text("acme-directory", "", "`URL` of another authority"),
		text("acme-roots", "", "`FILE` with the certificates by which that one is trusted itself"),
		text("source-networks", "", "`NETWORKS` that may post notifications, comma between; others are answered 404 and counted; on a loopback address it needs --trusted-proxies; empty: all"),
		text("origin-events", "", "`INTEGRATION` whose notifications are taken at the origin's /events too; needs --source-networks"),
		text("max-connections", "2048", "`N` connections at once on the public listener"),
	}
}

// readPublic reads the settings. It refuses a listener that would carry the secret
// in the clear.
func (cfg *config) readPublic(f file, pick func(flag, fromFile string) string, p *problems) {
	s := &cfg.public
	s.listen = pick("listen", f.Listen)
	host, port, err := net.SplitHostPort(s.listen)
	if err != nil {
		p.add("--listen (FONOTEKA_LISTEN): %q is not host:port", s.listen)
	}
	s.proxies = trusted(pick("trusted-proxies", strings.Join(f.Public.TrustedProxies, ",")), p)
	s.senders = networks("source-networks", pick("source-networks", strings.Join(f.Public.SourceNetworks, ",")), p)
	s.certificate, s.key = pick("tls-cert", f.Public.TLSCert), pick("tls-key", f.Public.TLSKey)
	s.acme = pick("acme", yes(f.Public.ACME)) == "true"
	s.acmeEmail, s.acmeDirectory, s.acmeRoots = pick("acme-email", f.Public.ACMEEmail), pick("acme-directory", f.Public.ACMEDirectory), pick("acme-roots", f.Public.ACMERoots)
	s.originEvents = pick("origin-events", f.Public.OriginEvents)
	n, numberErr := strconv.Atoi(pick("max-connections", number(f.Public.MaxConnections)))
	if s.maxConnections = n; numberErr != nil || n < 16 || n > 1_000_000 {
		p.add("--max-connections (FONOTEKA_MAX_CONNECTIONS): not a number from 16 to 1000000")
	}
	switch {
	case (s.certificate == "") != (s.key == ""):
		p.add("--tls-cert and --tls-key (FONOTEKA_TLS_CERT, FONOTEKA_TLS_KEY) belong together")
	case s.acme && s.certificate != "":
		p.add("--acme (FONOTEKA_ACME) and --tls-cert exclude each other")
	case s.acme && len(cfg.redirectHosts()) == 0:
		p.add("--acme (FONOTEKA_ACME): no redirect URI has a host name that a certificate could be for")
	case err == nil && !s.tls() && !loopback(host) && len(s.proxies) == 0:
		p.add("--listen (FONOTEKA_LISTEN): on %q, notifications and the secret in their address would cross the network in the clear. "+
			"Name the proxy that does TLS (--trusted-proxies), or give a certificate (--tls-cert and --tls-key, or --acme), "+
			"or listen on 127.0.0.1:%s for a proxy on this machine", s.listen, port)
	}
	if s.originEvents != "" {
		if !slices.ContainsFunc(cfg.integrations, func(i integration) bool { return i.name == s.originEvents }) {
			p.add("--origin-events (FONOTEKA_ORIGIN_EVENTS): there is no integration %q", s.originEvents)
		}
		if len(s.senders) == 0 {
			p.add("--origin-events (FONOTEKA_ORIGIN_EVENTS) needs --source-networks: the origin's /events is no secret, and anybody could post calls there")
		}
	}
	if sourceErr := s.sourceKnown(host); sourceErr != nil {
		p.add("%w", sourceErr)
	}
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return ""
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func networks(flag, raw string, p *problems) edge.Networks {
	n, err := edge.ParseNetworks(strings.Split(raw, ",")...)
	if err != nil {
		p.add("--%s (%s): %w", flag, envName(flag), err)
	}
	return n
}

func (s publicSettings) tls() bool { return s.certificate != "" || s.acme }

// redirectHosts are the names in the redirect URIs.
func (cfg *config) redirectHosts() []string {
	var out []string
	for _, i := range cfg.integrations {
		u, err := url.Parse(i.redirect)
		if err != nil || u.Hostname() == "" || slices.Contains(out, u.Hostname()) {
			continue
		}
		if _, err := netip.ParseAddr(u.Hostname()); err != nil {
			out = append(out, u.Hostname())
		}
	}
	return out
}

// public is the public listener.
type public struct {
	server      *http.Server
	door        *edge.Edge
	tls         *tls.Config // nil: none
	certificate func(context.Context) error
}

func newPublic(cfg *config, sp *spool.Spool, oauth http.Handler, log *slog.Logger, reg prometheus.Registerer) (*public, error) {
	s := cfg.public
	host, port, _ := net.SplitHostPort(s.listen)
	door, err := edge.New(edge.Options{
		Proxies: s.proxies, OnlyProxies: !s.tls() && !loopback(host) && len(s.proxies) > 0, Senders: s.senders, MaxConnections: s.maxConnections, Log: log, Registerer: reg,
	})
	if err != nil {
		return nil, err
	}
	o := intake.Options{Append: sp.Append, OAuth: oauth, Door: door, OriginEvents: s.originEvents, Log: log, Registerer: reg}
	for _, i := range cfg.integrations {
		if i.path == "" {
			log.Warn("the redirect uri has no path, so that anyone may post notifications", "integration", i.name)
		}
		o.Integrations = append(o.Integrations, intake.Integration{
			Name: i.name, Path: i.path, PreviousPath: i.previousPath, PreviousUntil: i.previousUntil,
		})
	}
	h, err := intake.New(o)
	if err != nil {
		return nil, err
	}
	p := &public{server: intake.NewServer(h, log), door: door, certificate: func(ctx context.Context) error { <-ctx.Done(); return nil }}
	door.Guard(p.server)
	switch {
	case s.certificate != "":
		files, err := edge.NewFiles(edge.FilesOptions{Certificate: s.certificate, Key: s.key, Log: log, Registerer: reg})
		if err != nil {
			return nil, err
		}
		p.tls, p.certificate = files.TLS(), files.Run
	case s.acme:
		own, _ := strconv.Atoi(port)
		a, err := edge.NewACME(edge.ACMEOptions{
			Hosts: cfg.redirectHosts(), Dir: filepath.Join(cfg.data, "acme"), Email: s.acmeEmail, Directory: s.acmeDirectory, Roots: s.acmeRoots,
			Port: own, Log: log, Registerer: reg,
		})
		if err != nil {
			return nil, err
		}
		p.tls, p.certificate = a.TLS(), a.Run
	}
	return p, nil
}

// listener is what the server serves: limited, and under TLS.
func (p *public) listener(l net.Listener) net.Listener {
	l = p.door.Listener(l)
	if p.tls != nil {
		l = tls.NewListener(l, p.tls)
	}
	return l
}
