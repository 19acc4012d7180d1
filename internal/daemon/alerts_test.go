package daemon

import (
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/embedded"
	"fonoteka/internal/fetch"
	"fonoteka/internal/installation"
	"fonoteka/internal/relay"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
	"fonoteka/internal/state"
	"fonoteka/internal/volume"
)

// described is a registry that keeps the descriptions of all it is given: a
// metric with labels shows nowhere else before it has a value.
type described struct {
	*prometheus.Registry
	labels map[string][]string // by metric name; constant ones too
}

var description = regexp.MustCompile(`fqName: "(\w+)".* constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}`)

func (d *described) Register(c prometheus.Collector) error {
	ch := make(chan *prometheus.Desc, 100)
	go func() { c.Describe(ch); close(ch) }()
	for desc := range ch {
		if m := description.FindStringSubmatch(desc.String()); m != nil {
			labels := strings.FieldsFunc(m[3], func(r rune) bool { return r == ',' || r == ' ' })
			for _, pair := range strings.Split(m[2], ",") {
				name, _, _ := strings.Cut(pair, "=")
				labels = append(labels, name)
			}
			d.labels[m[1]] = labels
		}
	}
	return d.Registry.Register(c)
}

func (d *described) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := d.Register(c); err != nil {
			panic(err)
		}
	}
}

// registered is every metric that a serve has, wired as serve wires it.
func registered(t *testing.T) *described {
	t.Helper()
	_, d := wired(t)
	return d
}

// wired is a serve that does not run, with its metrics.
func wired(t *testing.T) (*daemon, *described) {
	t.Helper()
	hosts, err := fetch.ParseHosts()
	if err != nil {
		t.Fatal(err)
	}
	cfg := &settings.Config{
		Data: t.TempDir(), Ports: map[string]int{}, RecordHosts: hosts, Workers: 4, EndAfter: time.Hour, EngineCache: t.TempDir(),
		Public:       settings.Public{ACME: true}, // for the certificate's metrics
		Integrations: []settings.Integration{{Name: "main", RedirectURI: "https://calls.example.org" + redirect, Path: redirect, Zone: time.UTC, LinkLife: 90 * 24 * time.Hour}},
	}
	cfg.Scrub.Every = 30 * 24 * time.Hour
	st, err := state.Open(cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	d, log := &described{prometheus.NewRegistry(), map[string][]string{}}, slog.New(slog.DiscardHandler)
	sp, err := spool.Open(spool.Options{
		Dir: filepath.Join(cfg.Data, "spool"), Cursors: []string{relay.WarehouseCursor, relay.RecordingsCursor}, Registerer: d,
	})
	if err != nil {
		t.Fatal(err)
	}
	stack, err := installation.Stack(cfg, st.Values(), nil, embedded.StackOptions{Log: log, Registerer: d})
	if err != nil {
		t.Fatal(err)
	}
	a, err := installation.NewAccess(cfg, log, d)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPipeline(cfg, st.Values(), stack, a, sp, log, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.newPlayback("password", d); err != nil {
		t.Fatal(err)
	}
	public, err := newPublic(cfg, sp, a.OAuth(log), log, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
		sp.Close()
		st.Close()
	})
	return &daemon{log: log, spool: sp, stack: stack, access: a, pipeline: p, public: public}, d
}

var (
	selector = regexp.MustCompile(`\b(fonoteka_[a-z0-9_]+)(\{[^}]*\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*\\?"`)
	suffix   = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// queriesIn are the files that ask for metrics.
func queriesIn(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, dir := range []string{"../../deploy", "../../grafana"} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			if ext := filepath.Ext(path); ext == ".json" || strings.HasSuffix(path, ".rules.yml") || strings.HasSuffix(path, ".rules_test.yml") {
				files = append(files, path)
			}
			return nil
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return files
}

func TestAlertsAndDashboardsAskOnlyForMetricsThatExist(t *testing.T) {
	t.Parallel()
	d := registered(t)
	scraped := []string{"job", "instance", "le"} // by the scrape, or of every histogram
	asked := map[string]bool{}
	for _, file := range queriesIn(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range selector.FindAllStringSubmatch(string(text), -1) {
			name := m[1]
			labels, ok := d.labels[name]
			if !ok {
				name = suffix.ReplaceAllString(name, "")
				labels, ok = d.labels[name]
			}
			if !ok {
				t.Errorf("%s asks for %s, which nobody registers", file, m[1])
				continue
			}
			asked[name] = true
			for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(labels, l[1]) && !slices.Contains(scraped, l[1]) {
					t.Errorf("%s asks for %s by %s, its labels are %v", file, name, l[1], labels)
				}
			}
		}
	}
	if len(asked) < 20 || len(d.labels) < 60 {
		t.Errorf("%d metrics asked for of %d: the files or the registry were not found", len(asked), len(d.labels))
	}
	t.Logf("asked for: %v", slices.Sorted(maps.Keys(asked)))
}

// An administrator who is told by an alert asks doctor, which must not say otherwise.
func TestDoctorAndAlertsHaveTheSameThresholds(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile("../../deploy/prometheus/fonoteka.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, expr := range []string{
		fmt.Sprintf("(fonoteka_arrivals_silence_seconds > %v) and (fonoteka_arrivals_missing_calls >= %v)", volume.SilenceSpan.Seconds(), volume.SilenceCalls),
		fmt.Sprintf("(fonoteka_arrivals_day_calls < %v * fonoteka_arrivals_day_usual_calls) and (fonoteka_arrivals_day_usual_calls >= %v)", volume.FewShare, volume.FewCalls),
		fmt.Sprintf("abs(fonoteka_arrivals_clock_skew_seconds) > %v", volume.SkewLimit.Seconds()),
	} {
		if !strings.Contains(string(rules), "expr: "+expr+"\n") {
			t.Errorf("no alert has the expression %s", expr)
		}
	}
}
