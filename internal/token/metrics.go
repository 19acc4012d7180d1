package token

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are counters of what this process did, and gauges that each scrape reads from
// the file, whichever process wrote it.
type metrics struct {
	keeper    *Keeper
	refreshes *prometheus.CounterVec
	logins    *prometheus.CounterVec
	access    *prometheus.Desc
	refresh   *prometheus.Desc
	login     *prometheus.Desc
	failing   *prometheus.Desc
	success   *prometheus.Desc
}

func newMetrics(k *Keeper, o Options) (*metrics, error) {
	f := promauto.With(o.Registerer)
	own := prometheus.Labels{"integration": o.Integration}
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, own) }
	m := &metrics{
		keeper: k,
		refreshes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_token_refreshes_total", Help: "Refreshes of the operator's tokens by outcome (ok, refused, failed, not_saved, unreadable).", ConstLabels: own,
		}, []string{"outcome"}),
		logins: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_token_logins_total", Help: "Logins that came back to the redirect URI, by outcome; foreign: not begun here.", ConstLabels: own,
		}, []string{"outcome"}),
		access:  desc("fonoteka_token_access_ends_seconds", "Seconds until the access token ends; 0: it has ended, or there is none."),
		refresh: desc("fonoteka_token_refresh_ends_seconds", "Seconds until the refresh token ends, and with it what renews itself; 0: it has ended, or there is none."),
		login:   desc("fonoteka_token_login_needed", "1 where a person has to log in: there are credentials, and no tokens that can be renewed."),
		failing: desc("fonoteka_token_failing_seconds", "For how long no refresh has succeeded though one was due; 0: the last one has."),
		success: desc("fonoteka_token_last_success_timestamp_seconds", "When tokens were last got, by login or refresh; 0: never."),
	}
	for _, outcome := range []string{"ok", "refused", "failed", "not_saved", "unreadable"} {
		m.refreshes.WithLabelValues(outcome)
	}
	for outcome := range english.Outcomes {
		m.logins.WithLabelValues(outcome)
	}
	if o.Registerer == nil {
		return m, nil
	}
	return m, o.Registerer.Register(m)
}

func (m *metrics) count(outcome string) { m.refreshes.WithLabelValues(outcome).Inc() }

// Describe implements prometheus.Collector.
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.access, m.refresh, m.login, m.failing, m.success} {
		to <- d
	}
}

// Collect implements prometheus.Collector. Tokens that cannot be read are a login
// that is needed.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	s := m.keeper.Status()
	gauge := func(d *prometheus.Desc, v float64) { to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	left := func(end time.Time) float64 { return max(end.Sub(s.At).Seconds(), 0) }
	gauge(m.access, left(s.AccessEnds))
	gauge(m.refresh, left(s.RefreshEnds))
	gauge(m.login, map[bool]float64{true: 1}[s.LoginNeeded()])
	failing := 0.0
	if !s.FailingSince.IsZero() {
		failing = s.At.Sub(s.FailingSince).Seconds()
	}
	gauge(m.failing, failing)
	success := 0.0
	if !s.RefreshedAt.IsZero() {
		success = float64(s.RefreshedAt.UnixMilli()) / 1e3
	}
	gauge(m.success, success)
}
