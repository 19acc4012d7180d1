package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"fonoteka/internal/bounded"
)

// Running asks a running process how it is, by its private listener.
func Running(ctx context.Context, base string) []Finding {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var out []Finding
	for _, ask := range []struct{ path, check, good, bad, do string }{
		{"/healthz", "notifications", "notifications are taken", "notifications are NOT taken", "the first line that is not ok says why; free the disk, or restart serve after a disk's fault"},
		{"/readyz", "everything behind", "ClickHouse, S3 and Redis answer", "something behind the spool does not work; notifications are kept meanwhile", "the first line that is not ok says what"},
	} {
		body, status, err := get(ctx, base+ask.path)
		switch {
		case err != nil:
			out = append(out, no(ask.check, "the private listener does not answer", "look at the log of serve", err))
		case status != http.StatusOK:
			out = append(out, no(ask.check, ask.bad, ask.do, fmt.Errorf("%s", faults(body))))
		default:
			out = append(out, yes(ask.check, ask.good))
		}
	}
	body, _, err := get(ctx, base+"/metrics")
	if err != nil {
		return out
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		return append(out, no("metrics", "the metrics cannot be read", "is this doctor of another version than serve?", err))
	}
	return append(out, backlog(families), misdirected(families), foreign(families), previous(families))
}

// late is how far a reader of the spool may be behind before it is worth a look.
const late = 5 * time.Minute

func backlog(m map[string]*dto.MetricFamily) Finding {
	const check = "spool"
	worst, cursor := 0.0, ""
	for _, s := range m["fonoteka_spool_cursor_lag_seconds"].GetMetric() {
		if v := s.GetGauge().GetValue(); v > worst {
			worst, cursor = v, label(s, "cursor")
		}
	}
	behind := time.Duration(worst * float64(time.Second)).Round(time.Second)
	if behind > late {
		return look(check, fmt.Sprintf("the reader %q of the spool is %s behind; nothing is lost", cursor, behind),
			`"warehouse": ClickHouse is away or slow; "recordings": Redis is. It catches up by itself`)
	}
	return yes(check, "what came in is passed on at once")
}

func misdirected(m map[string]*dto.MetricFamily) Finding {
	const check = "astray"
	for _, s := range m["fonoteka_intake_requests_total"].GetMetric() {
		if n := s.GetCounter().GetValue(); label(s, "outcome") == "misdirected" && n > 0 {
			return no(check, fmt.Sprintf("notifications to an address that is not served, answered 404 since serve was started: %.0f", n),
				"the redirect URI in the operator's cabinet, the one configured here and what the proxy makes of the path must be the same", nil)
		}
	}
	return yes(check, "no notification has come to an address that is not served, since serve was started")
}

func foreign(m map[string]*dto.MetricFamily) Finding {
	const check = "networks"
	for _, s := range m["fonoteka_intake_requests_total"].GetMetric() {
		if n := s.GetCounter().GetValue(); label(s, "outcome") == "foreign" && n > 0 {
			return no(check, fmt.Sprintf("notifications to a right address from networks that are not allowed, refused since serve was started: %.0f", n),
				"if the proxy tells where requests come from (doctor redirect), who knows the address is the operator, or the secret is known to others: ask the operator for its networks, add them to --source-networks, or change the redirect URI", nil)
		}
	}
	return yes(check, "no notification was refused for the network it came from")
}

func previous(m map[string]*dto.MetricFamily) Finding {
	const check = "previous redirect URI"
	for _, s := range m["fonoteka_intake_previous_requests_total"].GetMetric() {
		if n := s.GetCounter().GetValue(); n > 0 {
			return look(check, fmt.Sprintf("requests to the previous redirect URI of %s since serve was started: %.0f", label(s, "integration"), n),
				"enter the new one in the operator's cabinet before the previous one ends")
		}
	}
	return yes(check, "nothing comes to a redirect URI that is being replaced")
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// faults are the lines of a health page that are not ok.
func faults(body string) string {
	var out []string
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasSuffix(line, ": ok") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "; ")
}

func get(ctx context.Context, uri string) (body string, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, http.NoBody)
	if err != nil {
		return "", 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	raw, err := bounded.Read(resp.Body, 16<<20)
	return string(raw), resp.StatusCode, err
}
