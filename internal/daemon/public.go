package daemon

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/edge"
	"fonoteka/internal/intake"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
)

// public is the public listener.
type public struct {
	server      *http.Server
	door        *edge.Edge
	tls         *tls.Config // nil: none
	certificate func(context.Context) error
}

func newPublic(cfg *settings.Config, sp *spool.Spool, oauth http.Handler, log *slog.Logger, reg prometheus.Registerer) (*public, error) {
	s := cfg.Public
	host, port, _ := net.SplitHostPort(s.Listen)
	door, err := edge.New(edge.Options{
		Proxies: s.Proxies, OnlyProxies: !s.TLS() && !settings.Loopback(host) && len(s.Proxies) > 0, Senders: s.Senders, MaxConnections: s.MaxConnections, Log: log, Registerer: reg,
	})
	if err != nil {
		return nil, err
	}
	o := intake.Options{Append: sp.Append, OAuth: oauth, Guard: door, OriginEvents: s.OriginEvents, Log: log, Registerer: reg}
	for _, i := range cfg.Integrations {
		o.Integrations = append(o.Integrations, intake.Integration{
			Name: i.Name, Path: i.Path, PreviousPath: i.PreviousPath, PreviousUntil: i.PreviousUntil,
		})
	}
	h, err := intake.New(o)
	if err != nil {
		return nil, err
	}
	p := &public{server: intake.NewServer(h, log), door: door, certificate: func(ctx context.Context) error { <-ctx.Done(); return nil }}
	door.Configure(p.server)
	switch {
	case s.Certificate != "":
		files, err := edge.NewFiles(edge.FilesOptions{Certificate: s.Certificate, Key: s.Key, Log: log, Registerer: reg})
		if err != nil {
			return nil, err
		}
		p.tls, p.certificate = files.TLS(), files.Run
	case s.ACME:
		own, _ := strconv.Atoi(port)
		a, err := edge.NewACME(edge.ACMEOptions{
			Hosts: cfg.RedirectHosts(), Dir: filepath.Join(cfg.Data, "acme"), Email: s.ACMEEmail, Directory: s.ACMEDirectory, Roots: s.ACMERoots,
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
