package system

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const orders = 6

// ordersConfig is an installation with an integration per order of arrival.
func ordersConfig(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintln(&b, "integrations:")
	for i := range orders {
		fmt.Fprintf(&b, "  - {name: order%d, redirect_uri: 'http://127.0.0.1/mtt/order%d', timezone: UTC}\n", i, i)
	}
	name := filepath.Join(t.TempDir(), "fonoteka.yaml")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return "FONOTEKA_CONFIG=" + name
}

func (in *installation) postExamples(seed uint64) {
	in.t.Helper()
	files, err := filepath.Glob("../../internal/mtt/testdata/notifications/*.json")
	if err != nil || len(files) != 11 {
		in.t.Fatalf("examples: %d files, %v", len(files), err)
	}
	for i := range orders {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		for _, n := range rng.Perm(len(files)) {
			body, err := os.ReadFile(files[n])
			if err != nil {
				in.t.Fatal(err)
			}
			if got := in.post(fmt.Sprintf("/mtt/order%d/events", i), body); got != http.StatusOK {
				in.t.Fatalf("%s was answered %d", files[n], got)
			}
		}
	}
}

// each expects the same answer of every integration.
func (in *installation) each(limit time.Duration, want, query string) {
	in.t.Helper()
	for i := range orders {
		in.eventually(limit, want, "%s", strings.ReplaceAll(query, "$i", fmt.Sprintf("'order%d'", i)))
	}
}

// The examples of the operator's page, in any order and years late, are two
// calls and a recording that waits for its call.
func TestOperatorsExamplesBecomeTwoCallsAndARecording(t *testing.T) {
	t.Parallel()
	// Without the line of TestMain's sibling: the integrations come from a file.
	in := install(t, ordersConfig(t), "FONOTEKA_MTT_REDIRECT_URI=", "FONOTEKA_MTT_RECORD_HOSTS=127.0.0.1:9").start()
	in.postExamples(1)
	const calls = "SELECT platform_call_id, direction, outcome, toString(started_at), account_id, client_number, external_number, ring_ms, talk_ms, isNull(answered_at), legs FROM calls WHERE integration = $i ORDER BY started_at"
	want := strings.Join([]string{
		"c166e238a4c211ea9d373863bb43daf8_00015ED635780FC7\tincoming\tanswered\t2020-06-02 11:18:16.000\t883140777828305\t78124241500\t74996497803\t\\N\t4000\t1\t2",
		"SDfe2n901-b510751695c9e53584301f0c0e8d98c9200@127.0.0.1\toutgoing\tanswered\t2020-06-24 15:01:45.000\t883140582526566\t79219462761\t78005560251\t10000\t3000\t0\t1",
	}, "\n")
	in.each(30*time.Second, want, calls)
	in.each(10*time.Second, "parking\t0\nworkplace\t4000", "SELECT kind, talk_ms FROM legs WHERE integration = $i AND account_id IN ('74996497803', '883140777828305') ORDER BY kind")
	in.each(10*time.Second, "11\t9\t2", "SELECT count(), countIf(kind = 'call'), countIf(kind = 'directory') FROM events WHERE integration = $i")
	if got := in.sql("SELECT count() FROM rejected"); got != "0" {
		t.Errorf("%s notifications were rejected", got)
	}

	// The host is not allowed: refused, and the list says so.
	in.each(10*time.Second, "refused\t1", "SELECT state, isNotNull(next_attempt_at) FROM recordings WHERE integration = $i")
	out, err := in.command("recordings", "list")
	if err != nil || strings.Count(out, "waits for its call") != orders || !strings.Contains(out, "refused") || !strings.Contains(out, "openapi-stage.mtt.ru") {
		t.Errorf("recordings list: %v\n%s", err, out)
	}
	in.stop()

	// The configuration allows it now; here its server cannot be reached.
	in.env[len(in.env)-1] = "FONOTEKA_MTT_RECORD_HOSTS=mtt.ru"
	in.start()
	in.each(90*time.Second, "1\t1\t1", "SELECT state IN ('retrying', 'missing'), reason != '', isNotNull(next_attempt_at) FROM recordings WHERE integration = $i")

	// The same notifications again, after a restart and in another hour.
	in.postExamples(2)
	in.eventually(30*time.Second, fmt.Sprint(9*orders), "SELECT count() FROM events WHERE kind = 'call'")
	in.each(10*time.Second, want, calls)
	if got := in.sql("SELECT count(), uniq(call_id, integration) FROM calls"); got != fmt.Sprintf("%d\t%d", 2*orders, 2*orders) {
		t.Errorf("calls after the second delivery: %s", got)
	}
	in.stop()
}
