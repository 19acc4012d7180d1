package system

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/sim"
)

// Two integrations of one cabinet hear the same calls: the same ids, the same
// numbers, the same recordings. Each has its own zone and link life, and nothing
// of one is ever another's.
func TestIntegrationsOfOneCabinetDoNotMix(t *testing.T) {
	t.Parallel()
	op := operate(t, sim.Options{Seed: 77, Calls: 40, Connections: 4})
	config := filepath.Join(t.TempDir(), "fonoteka.yaml")
	if err := os.WriteFile(config, []byte(`
integrations:
  - {name: crm, redirect_uri: "http://127.0.0.1/crm/secret", timezone: UTC}
  - {name: archive, redirect_uri: "http://127.0.0.1/archive/secret", timezone: Europe/Moscow, link_days: 30}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	in := install(t, op.hosts(), "FONOTEKA_MTT_REDIRECT_URI=", "FONOTEKA_CONFIG="+config).start()
	for _, path := range []string{"/crm/secret", "/archive/secret"} {
		if err := op.Post(t.Context(), nil, "http://"+in.runtime().PublicListen+path); err != nil {
			t.Fatal(err)
		}
	}
	ledger := op.Ledger()
	calls, archived := len(ledger.Calls), recordings(ledger)
	in.eventually(time.Minute, fmt.Sprintf("archive\t%d\ncrm\t%d", archived, archived),
		"SELECT integration, count() FROM recordings WHERE state = 'archived' GROUP BY integration ORDER BY integration")
	in.eventually(time.Minute, fmt.Sprintf("archive\t%d\ncrm\t%d", calls, calls),
		"SELECT integration, count() FROM calls WHERE isNotNull(ended_at) OR outcome = 'missed' GROUP BY integration ORDER BY integration")
	for what, query := range map[string]string{
		"platform ids that one of them lacks": "SELECT count() FROM (SELECT platform_call_id FROM calls GROUP BY platform_call_id HAVING count() != 2)",
		"call ids of both":                    "SELECT count() FROM (SELECT call_id FROM calls GROUP BY call_id HAVING uniqExact(integration) > 1)",
		"legs of the other's calls":           "SELECT count() FROM legs l LEFT JOIN calls c ON c.call_id = l.call_id WHERE c.integration != l.integration",
		"leg ids of both":                     "SELECT count() FROM (SELECT leg_id FROM legs GROUP BY leg_id HAVING uniqExact(integration) > 1)",
		"recording ids of both":               "SELECT count() FROM (SELECT recording_id FROM recordings GROUP BY recording_id HAVING uniqExact(integration) > 1)",
		"calls with the other's recordings": "SELECT count() FROM (SELECT integration, arrayJoin(recordings) AS id FROM calls) c " +
			"LEFT JOIN (SELECT recording_id, integration AS whose FROM recordings) r ON r.recording_id = c.id WHERE r.whose != c.integration",
		"objects in the other's folder":  "SELECT count() FROM recordings WHERE NOT startsWith(key, concat('recordings/', integration, '/'))",
		"objects that are both's":        "SELECT count() - uniqExact(bucket, key) FROM recordings",
		"files that differ between them": "SELECT count() FROM (SELECT url FROM recordings GROUP BY url HAVING uniqExact(sha256) != 1 OR count() != 2)",
		"calls whose zone is not their integration's": "SELECT count() FROM (SELECT platform_call_id FROM calls GROUP BY platform_call_id " +
			"HAVING dateDiff('second', minIf(started_at, integration = 'archive'), minIf(started_at, integration = 'crm')) != 10800)",
		"links that live too long or too short": "SELECT count() FROM (SELECT url FROM recordings GROUP BY url " +
			"HAVING abs(dateDiff('hour', minIf(expires_at, integration = 'archive'), minIf(expires_at, integration = 'crm')) - 24 * 60) > 24)",
		"events of neither": "SELECT count() FROM events WHERE integration NOT IN ('crm', 'archive')",
	} {
		if got := in.sql("%s", query); got != "0" {
			t.Errorf("%s: %s", what, got)
		}
	}
	out, err := in.command("doctor", "arrivals", "--config", config)
	if !strings.Contains(out, "hear the same calls") || !strings.Contains(out, "archive and crm") && !strings.Contains(out, "crm and archive") {
		t.Errorf("doctor does not name the cabinet: %v\n%s", err, out)
	}
}
