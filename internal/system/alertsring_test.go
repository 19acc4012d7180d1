package system

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"fonoteka/internal/testenv"
)

// how an alert is shown to ring: by its own expression, with lowered thresholds where
// there are some, on what Prometheus scrapes from a running product whose fault was
// caused; or, where that cannot be done, by promtool on made-up series alone
// (deploy/prometheus), with the reason. promtool shows every "for" and every
// threshold.
type how struct {
	lower  []string // old and new, in turn
	madeUp string   // why
}

func lower(pairs ...string) how { return how{lower: pairs} }
func madeUp(why string) how     { return how{madeUp: why} }

var ring = map[string]how{
	"FonotekaRecordingsAtRisk":         {},
	"FonotekaRecordingsAboutToBeLost":  {},
	"FonotekaRecordingLost":            madeUp("a loss takes two answers of the operator, a day apart, after its end; TestInNinetyDaysNothingIsLostUnseen has such a loss"),
	"FonotekaRecordingOfTwoCalls":      madeUp("TestLinksOfOneScriptAreRecordingsOfTheirOwn causes it and sees the metric"),
	"FonotekaJobsAbandoned":            madeUp("TestDownloadsWithoutALeaseAreTakenUpAgain causes it and sees the metric"),
	"FonotekaArchiveLag":               lower("> 1800", "> 1"),
	"FonotekaDownloadsFailing":         lower("> 5", "> 0"),
	"FonotekaRecordingsRefused":        {},
	"FonotekaQuarantine":               {},
	"FonotekaNoDownloadWorkers":        madeUp("workers that run and take nothing are a fault of the queue's library"),
	"FonotekaCatalogueNotCounted":      lower("> 900", "> 25"),
	"FonotekaPlannerFailing":           madeUp("the planner fails as the warehouse does; FonotekaWarehouseFailing rings"),
	"FonotekaStageFailing":             {},
	"FonotekaOpenRecordingsMended":     madeUp("nothing is known that makes it; the warehouse's tests take rows away"),
	"FonotekaRecordingConflict":        {},
	"FonotekaDown":                     {},
	"FonotekaIntakeRefuses":            madeUp("a full disk; the intake's tests have the metric"),
	"FonotekaSpoolFailed":              {},
	"FonotekaSpoolNearlyFull":          lower("< 5e9", "< 5e17"),
	"FonotekaSpoolDamaged":             {},
	"FonotekaNotificationsMissing":     madeUp("the same folder with records that cannot be read; the tests of a damaged spool have the metric"),
	"FonotekaDamagedSpoolWaits":        madeUp("the same, a day later"),
	"FonotekaRelayLag":                 lower("> 300", "> 3"),
	"FonotekaDeriverLag":               madeUp("the deriver lags as the warehouse fails"),
	"FonotekaDeriverFailing":           madeUp("the deriver fails as the warehouse does"),
	"FonotekaCallsPassedOver":          madeUp("a call that cannot be derived is a fault of ours; the deriver's tests have the metric"),
	"FonotekaNotificationsRejected":    {},
	"FonotekaNotificationsMisdirected": {},
	"FonotekaReportsBehind":            lower("> 900", "> 30"),
	"FonotekaReportsOfOldDaysWait":     madeUp("TestDaysThatWaitForTheirDepartmentsAreCounted reads the metric"),
	"FonotekaSenderRefused":            {},
	"FonotekaCertificateEnds":          {},
	"FonotekaSilence":                  lower("> 900", "> 5", ">= 10", ">= 0.05"),
	"FonotekaNothingArrives":           {},
	"FonotekaFewArrivals":              lower(">= 50", ">= 20"),
	"FonotekaWrongTimeZone":            {},
	"FonotekaClockSkew":                {},
	"FonotekaArrivalsNotCompared":      lower("> 1800", "> 35"),
	"FonotekaEmbeddedStoreRestarting":  lower("> 2", "> 0"),
	"FonotekaEmbeddedStoreDown":        {},
	"FonotekaEmbeddedStoreUnconfined":  {},
	"FonotekaWarehouseFailing":         {},
	"FonotekaRedisDown":                {},
	"FonotekaObjectStoreFailing":       lower("> 10", "> 0"),
	"FonotekaLoginNeeded":              madeUp("the tests of a lost login read the metric of a running serve"),
	"FonotekaTokensNotRenewed":         madeUp("half an hour without the operator's login service"),
	"FonotekaLoginEnds":                madeUp("the last day of three"),
	"FonotekaRecordingAltered":         {},
	"FonotekaLocksLost":                {},
	"FonotekaFixityBehind":             lower("> 45 * 86400", "> 1"),
	"FonotekaAuditForked":              madeUp("the audit's tests have the metric"),
	"FonotekaAuditAnchorGone":          madeUp("the audit's tests have the metric"),
	"FonotekaAuditNotAnchored":         {},
	"FonotekaAuditNotChecked":          lower("> 86400", "> 1"),
	"FonotekaCustodyNotSealed":         {},
	"FonotekaAuditNotShipped":          {},
	"FonotekaDirectoryNotFetched":      madeUp("two days without the operator's API"),
}

// watcher is a real Prometheus with our rules, whose thresholds are lowered and which
// wait for nothing.
type watcher struct {
	t       *testing.T
	url     string
	targets string // file of what is scraped

	mu    sync.Mutex
	known []string
	rang  sync.Map // by alert
}

func watch(t *testing.T) *watcher {
	t.Helper()
	program, dir := testenv.Need(t, "prometheus"), t.TempDir()
	rules, err := os.ReadFile("../../deploy/prometheus/fonoteka.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Groups []struct {
			Name  string           `yaml:"name"`
			Rules []map[string]any `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(rules, &all); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, g := range all.Groups {
		for _, r := range g.Rules {
			name, _ := r["alert"].(string)
			how, listed := ring[name]
			if !listed {
				t.Errorf("the table does not say how %s is shown to ring", name)
			}
			found[name] = true
			delete(r, "for")
			for i := 0; i < len(how.lower); i += 2 {
				expr := r["expr"].(string)
				if !strings.Contains(expr, how.lower[i]) {
					t.Errorf("%s: %q is not in %s", name, how.lower[i], expr)
				}
				r["expr"] = strings.Replace(expr, how.lower[i], how.lower[i+1], 1)
			}
		}
	}
	for name := range ring {
		if !found[name] {
			t.Errorf("the table has %s, and there is no such alert", name)
		}
	}
	out, err := yaml.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	addr := "127.0.0.1:" + strconv.Itoa(testenv.Ports(t, 1)[0])
	w := &watcher{t: t, url: "http://" + addr, targets: filepath.Join(dir, "targets.json")}
	for name, content := range map[string]string{
		"rules.yml": string(out), "targets.json": "[]",
		"prometheus.yml": "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\n" +
			"scrape_configs:\n  - job_name: fonoteka\n    file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("prometheus:\n%s", tail(string(text), 10))
		}
	})
	return w
}

// see has an installation scraped.
func (w *watcher) see(in *installation) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if addr := in.runtime().PrivateListen; !slices.Contains(w.known, addr) {
		w.known = append(w.known, addr)
	}
	b, err := json.Marshal([]map[string]any{{"targets": w.known}})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.targets, b, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// ring has an installation scraped and waits for its alerts.
func (w *watcher) ring(t *testing.T, in *installation, alerts ...string) []string {
	t.Helper()
	w.see(in)
	for _, alert := range alerts {
		w.rings(t, in.runtime().PrivateListen, alert)
	}
	return alerts
}

// awaits waits until an installation was scraped, so that an increase will be one.
func (w *watcher) awaits(in *installation) {
	w.t.Helper()
	w.see(in)
	if !w.has(fmt.Sprintf("up{instance=%q} == 1", in.runtime().PrivateListen)) {
		w.t.Error("Prometheus does not scrape")
	}
}

// rings waits for an alert of one installation.
func (w *watcher) rings(t *testing.T, instance, alert string) {
	t.Helper()
	if w.has(fmt.Sprintf("ALERTS{alertstate=\"firing\", alertname=%q, instance=%q}", alert, instance)) {
		t.Logf("%s rang", alert)
		return
	}
	t.Errorf("%s does not ring", alert)
}

// has waits until an expression has a value.
func (w *watcher) has(expr string) bool {
	query := url.Values{"query": {expr}}
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		resp, err := http.Get(w.url + "/api/v1/query?" + query.Encode())
		if err != nil {
			continue
		}
		var answer struct {
			Data struct{ Result []any }
		}
		err = json.NewDecoder(resp.Body).Decode(&answer)
		resp.Body.Close()
		if err == nil && len(answer.Data.Result) > 0 {
			return true
		}
	}
	return false
}

// A counter that appears with its first event has no increase then, and an alert on
// it would be silent: those that alerts ask for are there from the start.
func TestCountersOfAlertsAreThereFromTheStart(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile("../../deploy/prometheus/fonoteka.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	in := configured(t, `  - {name: main, redirect_uri: "http://127.0.0.1/main/secret", timezone: UTC}`)
	in.until("metrics are there", time.Minute, func() bool { return strings.Contains(in.metrics(), "fonoteka_archive_planner_passes_total") })
	series := strings.Split(in.metrics(), "\n")
	asked := regexp.MustCompile(`increase\((fonoteka_\w+)(?:\{([^}]*)\})?\[`).FindAllStringSubmatch(string(rules), -1)
	if len(asked) < 15 {
		t.Fatalf("only %d increases were found", len(asked))
	}
	for _, a := range asked {
		want := []*regexp.Regexp{regexp.MustCompile(`^` + a[1] + `[{ ]`)}
		for _, m := range regexp.MustCompile(`(\w+)(=~|=)"([^"]*)"`).FindAllStringSubmatch(a[2], -1) {
			value := regexp.QuoteMeta(m[3])
			if m[2] == "=~" {
				value = "(?:" + m[3] + ")"
			}
			want = append(want, regexp.MustCompile(`[{,]`+m[1]+`="`+value+`"`))
		}
		if !slices.ContainsFunc(series, func(s string) bool {
			return !slices.ContainsFunc(want, func(r *regexp.Regexp) bool { return !r.MatchString(s) })
		}) {
			t.Errorf("nothing is there at the start of %s{%s}", a[1], a[2])
		}
	}
}
