package daemon

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"fonoteka/internal/printable"
	"fonoteka/internal/run"
	"fonoteka/internal/settings"
)

// hosts are the names that requests to the private listener may bear in Host: addresses,
// localhost, the names in the settings, and those of --allowed-hosts.
//
// A page in a browser may lead a name of its own to 127.0.0.1 (DNS rebinding); the browser
// then lets it read what the private listener answers, as that has the page's own origin.
// Host bears that name, so such a request is refused. An address cannot be led elsewhere. A
// request without Host comes from no browser.
type hosts struct {
	names   map[string]bool
	log     *slog.Logger
	limit   run.LogLimit
	refused prometheus.Counter
}

func newHosts(cfg *settings.Config, log *slog.Logger, reg prometheus.Registerer) *hosts {
	h := &hosts{
		names: map[string]bool{"": true, "localhost": true}, log: log, limit: run.LogLimit{Every: time.Minute},
		refused: promauto.With(reg).NewCounter(prometheus.CounterOpts{
			Name: "fonoteka_private_hosts_refused_total", Help: "Requests to the private listener that were refused for the name in Host.",
		}),
	}
	for _, name := range cfg.AllowedHosts {
		h.names[hostName(name)] = true
	}
	for _, name := range cfg.RedirectHosts() {
		h.names[hostName(name)] = true
	}
	if u, err := url.Parse(cfg.RecordingsURL); err == nil {
		h.names[hostName(u.Host)] = true
	}
	h.names[hostName(cfg.PrivateListen)] = true
	return h
}

// hostName is the name in host or host:port, in the one form that is compared.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

var plainName = regexp.MustCompile(`^[a-z0-9_.-]+$`)

func (h *hosts) allow(host string) bool {
	name := hostName(host)
	if h.names[name] {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// only answers 421 to requests for other names, and says how a name is allowed.
func (h *hosts) only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.allow(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		h.refused.Inc()
		name := hostName(r.Host)
		name = printable.Quote(name[:min(len(name), 253)]) // no name is longer
		allow := name
		if !plainName.MatchString(allow) {
			allow = "NAME" // nobody is to paste into a shell what a stranger wrote
		}
		if skipped, ok := h.limit.Allow(time.Now()); ok {
			h.log.Warn("a request to the private listener was refused: its host is not allowed", "host", name, "setting", "--allowed-hosts", "not_logged", skipped)
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusMisdirectedRequest)
		fmt.Fprintf(w, "Fonoteka does not answer here under the host name %s. If it is a name of this machine, or of a proxy before it, "+ //nolint:gosec // plain text, by header
			"allow it: fonoteka serve --allowed-hosts %s (FONOTEKA_ALLOWED_HOSTS). IP addresses and localhost are always allowed.\n", name, allow)
	})
}
